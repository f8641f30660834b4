// Reads {"tables": {name: {column: type}}, "queries": {name: text}} and writes, for each query, what Microsoft's language
// service has to say of it and the columns of its result.
"use strict";

require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");

const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;
const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));

function listed(items) {
  return Array.from({ length: items ? items.Count : 0 }, (_, index) => items.getItem(index));
}

// $ctor7 takes the columns as text, $ctor1 says whether other tables may exist: they may not.
const tables = Object.entries(input.tables).map(([name, columns]) => {
  const schema = Object.entries(columns).map(([column, type]) => `${column}:${type}`);
  return new Symbols.TableSymbol.$ctor7(name, `(${schema.join(", ")})`, null);
});
const workspace = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1("workspace", tables, false));

const found = {};
for (const [name, query] of Object.entries(input.queries)) {
  const code = KustoCode.ParseAndAnalyze(query, workspace);
  found[name] = {
    diagnostics: listed(code.GetDiagnostics()).map((each) => `${each.Severity} ${each.Code}: ${each.Message}`),
    columns: Object.fromEntries(
      listed(code.ResultType && code.ResultType.Columns).map((each) => [each.Name, each.Type.Name]),
    ),
  };
}
process.stdout.write(JSON.stringify(found));
