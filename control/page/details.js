/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection: who and where it is, what it counts, how fast, how slow. */
import { RateChart } from './chart.js';
import { element, facts, named, setText, table } from './element.js';
import { LatencyPanel, fetchLatency } from './latency.js';
import { bitRate, joined, packetRate, whole } from './quantity.js';

const LATENCY_MS = 10000;
const PREFIXES_SHOWN = 200;

export class Details {
	/* closed() is called when the reader has seen enough. */
	constructor(node, closed) {
		this.node = node;
		this.closed = closed;
		this.connection = null;
	}

	open(connection, series) {
		this.#clear();
		this.connection = connection;
		this.title = element('h2', {tabindex: -1}, named(connection.name));
		const close = element('button', {type: 'button', class: 'close', 'aria-label': 'Close'}, '×');
		const figure = element('figure', {class: 'chart'});

		close.addEventListener('click', this.closed);
		this.about = element('div');
		this.prefixes = element('div');
		this.latency = new LatencyPanel();
		this.node.replaceChildren(element('header', {}, this.title, close), this.about,
			this.#countersTable(), figure, this.latency.node, this.prefixes);
		this.node.hidden = false;
		this.node.scrollTop = 0;
		this.chart = new RateChart(figure, 150, 'Receive and transmit, the last ten minutes');
		this.series = series;
		this.describe();
		this.count();
		this.#askLatency();
		this.timer = setInterval(() => this.#askLatency(), LATENCY_MS);
	}

	#clear() {
		clearInterval(this.timer);
		this.chart?.destroy();
		this.latency?.destroy();
		this.connection = this.chart = this.latency = null;
	}

	close() {
		this.#clear();
		this.node.hidden = true;
		this.node.replaceChildren();
	}

	#countersTable() {
		const cells = (names) => names.map((name) => element('span', {id: `details-${name}`}));
		const heads = [{text: ''}, {text: 'bit/s', number: true}, {text: 'pps', number: true},
			{text: 'Packets', number: true}, {text: 'Bytes', number: true}];

		this.receive = cells(['receive-bits', 'receive-rate', 'receive-packets', 'receive-bytes']);
		this.transmit = cells(['transmit-bits', 'transmit-rate', 'transmit-packets',
			'transmit-bytes']);
		return table(heads, [['Receive', ...this.receive], ['Transmit', ...this.transmit]]);
	}

	/* What is registered, now or after it changed. */
	describe() {
		const {facts: known} = this.connection;
		const {tag = {}, labels = {}} = known;

		this.about.replaceChildren(facts([
			['Partner', named(known.partner)],
			['Place', named([known.city, this.connection.place].filter(Boolean).join(', '))],
			['Sites', named([known.primary_site, known.backup_site && `${known.backup_site} (backup)`]
				.filter(Boolean).join(', '))],
			['Id', String(known.id)],
			['Tag', tagText(tag)],
			['Alerts', known.monitor ? 'on' : 'off'],
			['RTT threshold', known.rtt_threshold_ms ? `${known.rtt_threshold_ms} ms` : ''],
			...Object.entries(labels).map(([key, value]) => [named(key), named(value)]),
		]));
		this.#askPrefixes();
	}

	async #askPrefixes() {
		const {connection} = this;
		const answer = await fetch(`/v1/connections/${encodeURIComponent(connection.name)}`)
			.catch(() => null);
		const {prefixes = []} = answer?.ok ? await answer.json() : {};

		if (this.connection !== connection)
			return;
		const texts = prefixes.slice(0, PREFIXES_SHOWN).map((entry) => entry.prefix ?? entry);
		const rest = prefixes.length - texts.length;

		this.prefixes.replaceChildren(
			element('h3', {}, `Prefixes `, element('span', {class: 'quiet'}, whole(prefixes.length))),
			element('ul', {class: 'prefixes'}, ...texts.map((text) => element('li', {}, text))),
			rest ? element('p', {class: 'quiet'}, `and ${whole(rest)} more`) : '');
	}

	async #askLatency() {
		const {connection} = this;
		const document = await fetchLatency(connection.name).catch(() => null);

		if (this.connection === connection)
			this.latency.show(connection.name, document);
	}

	/* The counters are new. */
	count() {
		const {connection} = this;
		const counts = connection?.counts ?? [];

		if (!connection)
			return;
		this.#countDirection(this.receive, connection.receiveBits, connection.receivePackets,
			counts.slice(0, 2));
		this.#countDirection(this.transmit, connection.transmitBits, connection.transmitPackets,
			counts.slice(2));
		this.chart.draw(this.series);
	}

	#countDirection([bits, rate, packets, bytes], bitsNow, rateNow, counts) {
		setText(bits, joined(bitRate(bitsNow)));
		setText(rate, joined(packetRate(rateNow)));
		setText(packets, whole(counts[0]));
		setText(bytes, whole(counts[1]));
	}
}

function tagText(tag) {
	return ['mark', 'dscp', 'vlan'].filter((carrier) => tag[carrier] !== undefined)
		.map((carrier) => `${carrier} ${tag[carrier]}`).join(', ');
}
