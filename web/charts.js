// Charts as SVG, drawn in the colours of the stylesheet. Each has its figures as a table beside it.
import { html } from './view.js';

const WIDTH = 360;
const HEIGHT = 220;
const LEFT = 40;
const BOTTOM = 30;
const TOP = 10;
const x = (share) => LEFT + share * (WIDTH - LEFT - 10);
const y = (share) => HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP);
const TICKS = [0, 0.25, 0.5, 0.75, 1];

function Axes({ across, up }) {
  return html`<g class="axes" aria-hidden="true">
    ${TICKS.map((tick) => html`<line x1=${x(0)} x2=${x(1)} y1=${y(tick)} y2=${y(tick)} /><text x=${LEFT - 6} y=${y(tick) + 4} text-anchor="end">${tick}</text>
      <text x=${x(tick)} y=${HEIGHT - BOTTOM + 15} text-anchor="middle">${tick}</text>`)}
    <text x=${x(0.5)} y=${HEIGHT - 2} text-anchor="middle">${across}</text><text class="up" x=${x(0) + 4} y=${TOP + 8}>${up}</text></g>`;
}

// How sure results are (across) against how many are right (up). On the diagonal a confidence means what it says.
export function Calibration({ tenths }) {
  const most = Math.max(1, ...tenths.map((each) => each.documents));
  return html`<svg class="chart" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label="Calibration: mean confidence against the share that is right, by tenths">
    <${Axes} across="confidence" up="share right" />
    <line class="ideal" x1=${x(0)} y1=${y(0)} x2=${x(1)} y2=${y(1)} />
    ${tenths.map((each) => html`<circle class="point" cx=${x(each.mean_confidence)} cy=${y(each.right / each.documents)} r=${3 + 6 * Math.sqrt(each.documents / most)} />`)}
  </svg>`;
}

// From which confidence on (across) how much is accepted, and how much of that is right at least (up).
export function AcceptanceCurve({ points, documents }) {
  const line = (share) => points.map((point, index) => `${index ? 'L' : 'M'}${x(point.threshold).toFixed(1)} ${y(share(point)).toFixed(1)}`).join('');
  return html`<svg class="chart" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label="Acceptance: threshold against the share accepted, and the precision that is shown at least">
    <${Axes} across="threshold" up="share" />
    <path class="line first" d=${line((point) => point.at_least)} /><path class="line second" d=${line((point) => point.accepted / documents)} />
  </svg>
  <p class="legend" aria-hidden="true"><span class="swatch first"></span>right, at least <span class="swatch second"></span>accepted</p>`;
}

// `bars`: {title, parts: {name: count}}, all names in `names`, which has the colours' order.
export function Stacked({ label, bars, names }) {
  const wide = 640;
  const high = 200;
  const most = Math.max(1, ...bars.map((bar) => names.reduce((sum, name) => sum + (bar.parts[name] || 0), 0)));
  const slot = (wide - LEFT) / Math.max(1, bars.length);
  return html`<svg class="chart wide-chart" viewBox=${`0 0 ${wide} ${high + BOTTOM}`} role="img" aria-label=${label}>
    <g class="axes" aria-hidden="true"><line x1=${LEFT} x2=${wide} y1=${high} y2=${high} /><text x=${LEFT - 6} y=${TOP + 4} text-anchor="end">${most}</text><text x=${LEFT - 6} y=${high} text-anchor="end">0</text></g>
    ${bars.map((bar, index) => {
      let reached = 0;
      const left = LEFT + index * slot + slot * 0.15;
      return html`<g>${names.map((name, at) => {
        const tall = ((bar.parts[name] || 0) / most) * (high - TOP);
        reached += tall;
        return tall > 0 && html`<rect class=${`c${at % 9}`} x=${left} y=${high - reached} width=${slot * 0.7} height=${tall}><title>${`${bar.title}, ${name}: ${bar.parts[name]}`}</title></rect>`;
      })}${(bars.length <= 10 || index % Math.ceil(bars.length / 10) === 0) && html`<text class="tick" aria-hidden="true" x=${left + slot * 0.35} y=${high + 16} text-anchor="middle">${bar.title.slice(5)}</text>`}</g>`;
    })}
  </svg>`;
}
