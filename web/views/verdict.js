// The gate's verdict, in words.
import { Name, figure, plural } from '../parts.js';
import { html, link } from '../view.js';

const WORDS = {
  better: 'Better than the model it was compared with.',
  as_good: 'As good as the model it was compared with, within the tolerance.',
  worse: 'Worse than the model it was compared with, by more than the tolerance.',
  unclear: 'Unclear: the golden documents are too few to tell.',
  unpaired: 'Compared by the service’s own figures, which rest on different documents for each model.',
};

export function Verdict({ gate, project, label }) {
  const { verdict = 'unpaired', losses = [] } = gate;
  return html`<div class=${`note ${gate.passed ? 'good' : 'bad'}`}>
    <strong>${gate.forced ? 'Passed by force. ' : gate.passed ? 'Passed. ' : 'Refused. '}${WORDS[verdict] || verdict}</strong>
    <p><${Name}>${gate.reason}<//></p>
    ${gate.interval && html`<p>The difference in ${gate.metric.replace('_', ' ')} is ${signed(gate.difference)}, four times in five between ${signed(gate.interval[0])} and ${signed(gate.interval[1])}; ${plural(gate.documents, 'golden document')}, ${gate.discordant} answered differently.</p>`}
    ${gate.documents_needed && html`<p>About ${plural(gate.documents_needed, 'golden document')} would settle it.</p>`}
    ${losses.length > 0 && html`<p>Lost recall: ${losses.slice(0, 8).map((loss, index) => html`${index > 0 ? ', ' : ''}<${Name}>${loss.name}<//> ${figure(loss.recall_lost)}`)}.</p>`}
    ${label && html`<p><a href=${link('models', { project, first: label })}>Its figures, class by class</a></p>`}
  </div>`;
}

export const signed = (value) => (value === null || value === undefined ? '–' : `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(3)}`);
