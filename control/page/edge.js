/* SPDX-License-Identifier: BSD-3-Clause */
/* The edge itself: what became of every packet, the engines with their ports, the generations. */
import { byId, element, facts, named, setText, table } from './element.js';
import { byteCount, share, whole } from './quantity.js';
import { outcomesSum } from './totals.js';

const WORDS = {
	matched: 'Matched', unmatched: 'Unmatched', not_ip: 'Not IP', unsupported: 'Unsupported',
	malformed: 'Malformed',
};

export class EdgePanel {
	constructor(node) {
		this.outcomes = new Map();
		this.outcomesNode = element('table', {class: 'outcomes'}, element('tbody'));
		this.engines = element('div');
		node.replaceChildren(element('h2', {}, 'Packets by outcome'), this.outcomesNode,
			element('h2', {}, 'Engines'), this.engines);
	}

	countOutcomes(outcomes) {
		const sum = outcomesSum(outcomes);

		for (const [outcome, packets] of Object.entries(outcomes)) {
			const row = this.outcomes.get(outcome) ?? this.#outcomeRow(outcome);

			setText(row.packets, whole(packets));
			setText(row.share, share(packets, sum));
			row.bar.style.width = `${sum ? 100 * packets / sum : 0}%`;
		}
	}

	#outcomeRow(outcome) {
		const row = {
			packets: element('td', {class: 'number', id: `outcome-${outcome}`}),
			share: element('td', {class: 'number quiet'}),
			bar: element('i'),
		};

		this.outcomes.set(outcome, row);
		this.outcomesNode.tBodies[0].append(element('tr', {},
			element('th', {scope: 'row'}, WORDS[outcome] ?? outcome),
			element('td', {class: 'share'}, row.bar), row.share, row.packets));
		return row;
	}

	/* The document of /v1/status. */
	show(status) {
		setText(byId('site'), status.site);
		setText(byId('version'), status.version);
		setText(byId('revision'), `revision ${whole(status.revision)}`);
		const ready = byId('ready');

		ready.hidden = false;
		ready.className = status.ready ? 'badge good' : 'badge bad';
		setText(ready, status.ready ? 'ready' : 'not ready');
		ready.title = status.ready ? 'every engine runs the desired set' :
			'an engine does not run the desired set';
		if (status.engines.length)
			this.engines.replaceChildren(...status.engines.map(engineNode));
		else
			this.engines.replaceChildren(element('p', {class: 'quiet'},
				'None is configured: nothing is classified here.'));
	}
}

function engineNode(engine) {
	const current = engine.generation === engine.desired_generation;
	const node = element('article', {class: 'engine'}, element('h3', {}, named(engine.name), ' ',
		element('span', {class: engine.up ? 'badge good' : 'badge bad'}, engine.up ? 'up' : 'down')));

	if (engine.error)
		node.append(element('p', {class: 'error'}, engine.error));
	node.append(facts([
		['Generation', whole(engine.generation), current ? '' :
			element('span', {class: 'warning'}, ` desired ${whole(engine.desired_generation)}`)],
		['Table', engine.table ? `${engine.table}, ${byteCount(engine.table_bytes)}` : ''],
		['Capacity', engine.capacity ? `${whole(engine.capacity)} connections` : ''],
		['Failed publishes', engine.publish_failures ? whole(engine.publish_failures) : ''],
	]), portsTable(engine.ports));
	if (engine.workers?.length)
		node.append(workersTable(engine.workers));
	return node;
}

function portsTable(ports) {
	const heads = [{text: 'Port'}, {text: 'Mode'}, {text: 'Received', number: true},
		{text: 'Sent', number: true}, {text: 'Drops', number: true}];

	if (!ports.length)
		return element('p', {class: 'quiet'}, 'No port is known.');
	return table(heads, ports.map((port) => {
		const name = element('span', {title: `driver ${port.driver}; the device itself received ` +
			`${whole(port.nic_packets)}`}, named(port.name));

		if (!port.up)
			name.append(' ', element('span', {class: 'badge bad'}, 'down'));
		return [name, port.mode || '–', whole(port.received.packets),
			whole(outcomesSum(port.sent_outcomes)), whole(port.forward_drops)];
	}));
}

function workersTable(workers) {
	const heads = [{text: 'Worker'}, {text: 'Queues'}, {text: 'Packets', number: true},
		{text: 'Cycles each', number: true}];

	return table(heads, workers.map((worker) => {
		const name = element('span', {}, `lcore ${worker.lcore}`);

		if (worker.stuck)
			name.append(' ', element('span', {class: 'badge bad'}, 'stuck'));
		return [name, named(worker.queues.join(' ')), whole(worker.packets),
			worker.cycles_per_packet === null ? '–' : whole(worker.cycles_per_packet)];
	}));
}
