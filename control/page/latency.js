/* SPDX-License-Identifier: BSD-3-Clause */
/* The latency of one connection and of its prefixes, in the last window that was published. */
import { LatencyChart, histogramOf } from './chart.js';
import { element, facts, named, table } from './element.js';
import { duration, timeOfDay, whole } from './quantity.js';

/* The document of /v1/latency; null where this daemon has none. */
export async function fetchLatency(name) {
	const answer = await fetch(`/v1/latency?name=${encodeURIComponent(name)}`);

	return answer.ok ? answer.json() : null;
}

export class LatencyPanel {
	constructor() {
		this.node = element('section', {class: 'latency', 'aria-label': 'Latency'});
		this.show('', null);
	}

	show(name, document) {
		const latency = document?.connections?.[name];

		this.destroy();
		this.node.replaceChildren(element('h3', {}, 'Latency',
			element('span', {class: 'quiet'}, windowText(document, latency))));
		if (!latency)
			this.node.append(element('p', {class: 'quiet'}, 'not measured'));
		else if (latency.withheld)
			this.node.append(element('p', {class: 'quiet'}, `withheld: ${latency.withheld}`));
		else
			this.#showMeasured(latency);
		this.#showPrefixes(name, document?.prefixes ?? {});
	}

	#showMeasured(latency) {
		const room = element('div', {class: 'plot', role: 'img',
			'aria-label': `Distribution of ${whole(latency.samples)} round-trip times`});

		this.node.append(facts([
			['p50', duration(latency.p50)], ['p90', duration(latency.p90)],
			['p99', duration(latency.p99)], ['Mean', duration(latency.mean)],
			['Samples', whole(latency.samples)],
		]));
		if (!latency.buckets || !histogramOf(latency.buckets))
			return;
		this.node.append(room);
		this.chart = new LatencyChart(room, 150, latency);
	}

	#showPrefixes(name, prefixes) {
		const heads = [{text: 'Prefix'}, ...['p50', 'p90', 'p99', 'Samples']
			.map((text) => ({text, number: true}))];
		const rows = Object.entries(prefixes)
			.filter(([, latency]) => latency.connection === name)
			.map(([prefix, latency]) => latency.withheld ?
				[named(prefix), 'withheld', '', '', ''] :
				[named(prefix), ...['p50', 'p90', 'p99'].map((key) => duration(latency[key])),
					whole(latency.samples)]);

		if (rows.length)
			this.node.append(table(heads, rows));
	}

	destroy() {
		this.chart?.destroy();
		this.chart = null;
	}
}

function windowText(document, latency) {
	const {seconds, end} = document?.window ?? {};

	return latency && end ? ` ${seconds} s until ${timeOfDay(end)}` : '';
}
