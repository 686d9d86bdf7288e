/* SPDX-License-Identifier: BSD-3-Clause */
/* What uPlot is told of: rates over time, and how latency is distributed. */
import { element, setText } from './element.js';
import { bitRate, duration, joined, timeOfDay, whole } from './quantity.js';

const SPAN_MIN_S = 60;
const FONT = '11px system-ui, sans-serif';

/* A colour of the style sheet, asked for at each drawing: light and dark may change any time. */
const colour = (name) => () =>
	getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const darkness = matchMedia('(prefers-color-scheme: dark)');

/* On the axis: 200 kbit/s and not 200.00. */
const axisRate = (value) => {
	const [digits, unit] = bitRate(value);

	return value ? `${parseFloat(digits)} ${unit}` : '0';
};

const axis = (more) => ({
	stroke: colour('--quiet'), font: FONT, ticks: {show: false},
	grid: {stroke: colour('--line'), width: 1}, ...more,
});

/* A plot that fills its node's width and follows the colour scheme. */
class Chart {
	constructor(node, height, options) {
		this.plot = new uPlot({
			width: Math.max(node.clientWidth, 100), height, legend: {show: false},
			padding: [8, 26, 0, 0], ...options,
			cursor: {drag: {x: false, y: false}, y: false, ...options.cursor},
		}, options.data, node);
		this.redraw = () => this.plot.redraw(false);
		this.resizing = new ResizeObserver(() => {
			if (node.clientWidth)
				this.plot.setSize({width: node.clientWidth, height});
		});
		this.resizing.observe(node);
		darkness.addEventListener('change', this.redraw);
	}

	destroy() {
		this.resizing.disconnect();
		darkness.removeEventListener('change', this.redraw);
		this.plot.destroy();
	}
}

/* A minute at least; without a point, the one that ends now. */
const rangeOf = (min, max) => [Math.min(min ?? max, max - SPAN_MIN_S), max];

/* Receive and transmit of the last minutes. */
export class RateChart {
	constructor(figure, height, label) {
		const room = element('div', {class: 'plot', role: 'img', 'aria-label': label});

		this.values = ['receive', 'transmit'].map(() => element('b'));
		this.when = element('span', {class: 'when'});
		figure.replaceChildren(element('figcaption', {},
			element('span', {class: 'receive'}, 'Receive ', this.values[0]),
			element('span', {class: 'transmit'}, 'Transmit ', this.values[1]), this.when), room);
		this.chart = new Chart(room, height, {
			data: [[], [], []],
			scales: {
				x: {range: (plot, min, max) => rangeOf(min, max ?? Date.now() / 1000)},
				y: {range: (plot, min, max) => [0, max > 0 ? 1.1 * max : 1000]},
			},
			axes: [
				axis({space: 90, size: 22, values: (plot, splits) => splits.map(timeOfDay)}),
				axis({space: 32, size: 74, values: (plot, splits) => splits.map(axisRate)}),
			],
			series: [{},
				{stroke: colour('--accent'), fill: colour('--accent-tint'), width: 1.5,
					points: {show: false}},
				{stroke: colour('--second'), width: 1.5, points: {show: false}}],
			hooks: {setCursor: [() => this.#read()]},
		});
	}

	draw(series) {
		this.chart.plot.setData(series.points.map((points) => points.slice()));
		this.#read();
	}

	/* What is under the cursor, else the latest. */
	#read() {
		const {cursor, data} = this.chart?.plot ?? {data: [[]]};
		const at = cursor?.idx ?? data[0].length - 1;

		this.values.forEach((value, i) => setText(value, joined(bitRate(data[i + 1]?.[at]))));
		setText(this.when, cursor?.idx === null || cursor?.idx === undefined ? '' :
			timeOfDay(data[0][at]));
	}

	destroy() {
		this.chart.destroy();
	}
}

/*
 * Buckets [upper bound in seconds, count] as steps between their bounds. Those at both ends that
 * nothing fell into are left out; the last may have no bound.
 */
export function histogramOf(buckets) {
	const first = buckets.findIndex(([, count]) => count > 0);
	const last = buckets.findLastIndex(([, count]) => count > 0);
	const bound = (at) => {
		const upper = buckets[at]?.[0];

		if (at < 0)
			return buckets[0][0] / 2;
		return Number.isFinite(upper) ? upper : 2 * bound(at - 1);
	};
	const shown = buckets.slice(first, last + 1);

	if (first < 0)
		return null;
	return [
		[bound(first - 1), ...shown.map((bucket, i) => bound(first + i))],
		[...shown.map(([, count]) => count), shown.at(-1)[1]],
	];
}

/*
 * Marks of a logarithmic axis, few enough for a narrow one. (uPlot's own never end where a step of
 * theirs is not an exact power of ten.)
 */
export function decadesOf(from, to) {
	const steps = to / from > 40 ? [1] : [1, 2, 5];
	const marks = [];

	for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power++)
		marks.push(...steps.map((step) => step * 10 ** power));
	return marks.filter((mark) => mark >= from && mark <= to);
}

const axisDuration = (seconds) => duration(seconds).replace(/\.0+(?=\D)/, '');

/* A line and its name over the chart, at each of the percentiles. */
function drawPercentiles(plot, marks) {
	const {ctx, bbox} = plot;
	const ratio = devicePixelRatio;

	ctx.save();
	ctx.strokeStyle = ctx.fillStyle = colour('--text')();
	ctx.font = `${11 * ratio}px system-ui, sans-serif`;
	ctx.lineWidth = ratio;
	ctx.setLineDash([3 * ratio, 3 * ratio]);
	marks.forEach(([name, value], i) => {
		const x = Math.round(plot.valToPos(value, 'x', true));
		const left = x > bbox.left + bbox.width - 32 * ratio;

		ctx.beginPath();
		ctx.moveTo(x, bbox.top);
		ctx.lineTo(x, bbox.top + bbox.height);
		ctx.stroke();
		ctx.textAlign = left ? 'right' : 'left';
		ctx.fillText(name, x + (left ? -4 : 4) * ratio, bbox.top + (11 + 12 * i) * ratio);
	});
	ctx.restore();
}

export class LatencyChart {
	/* latency: of /v1/latency, with at least one sample in its buckets. */
	constructor(room, height, latency) {
		const [bounds, counts] = histogramOf(latency.buckets);
		const marks = ['p50', 'p90', 'p99'].map((name) => [name, latency[name]])
			.filter(([, value]) => value > 0);
		const low = Math.min(bounds[0], ...marks.map(([, value]) => value));
		const high = Math.max(bounds.at(-1), ...marks.map(([, value]) => value));

		this.chart = new Chart(room, height, {
			data: [bounds, counts],
			cursor: {show: false},
			scales: {
				x: {time: false, distr: 3, range: () => [low / 1.05, high * 1.05]},
				y: {range: (plot, min, max) => [0, 1.25 * max]},
			},
			axes: [
				axis({size: 22, grid: {show: false},
					splits: (plot, index, from, to) => decadesOf(from, to),
					filter: (plot, splits) => splits,
					values: (plot, splits) => splits.map(axisDuration)}),
				axis({space: 28, size: 52, values: (plot, splits) =>
					splits.map((value) => Number.isInteger(value) ? whole(value) : '')}),
			],
			series: [{}, {stroke: colour('--accent'), fill: colour('--accent-tint'), width: 1.5,
				points: {show: false}, paths: uPlot.paths.stepped({align: 1})}],
			hooks: {draw: [(plot) => drawPercentiles(plot, marks)]},
		});
	}

	destroy() {
		this.chart.destroy();
	}
}
