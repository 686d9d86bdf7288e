/* SPDX-License-Identifier: BSD-3-Clause */
/* Which connections are shown: a text in any of their names, and partner, country and state. */
import { byId, element } from './element.js';

/* Each with what stands there while it admits all. */
const ALL = {partner: 'Partner', country: 'Country', state: 'State'};

export class Filter {
	constructor(changed) {
		this.search = byId('search');
		this.selects = Object.keys(ALL).map(byId);
		this.search.addEventListener('input', changed);
		for (const select of this.selects)
			select.addEventListener('change', () => {
				this.offer(this.connections);
				changed();
			});
		this.offer([]);
	}

	/* What can be chosen: what there is; of states, those of the country. */
	offer(connections) {
		this.connections = connections;
		const country = byId('country').value;

		for (const select of this.selects) {
			const values = new Set();

			for (const connection of connections)
				if (select.id !== 'state' || !country || connection.country === country)
					values.add(connection[select.id]);
			this.#fill(select, [...values].filter(Boolean).sort());
		}
	}

	#fill(select, values) {
		const chosen = select.value;
		const signature = values.join('\n');

		if (select.signature === signature)
			return;
		select.signature = signature;
		select.replaceChildren(element('option', {value: ''}, ALL[select.id]),
			...values.map((value) => element('option', {value}, value)));
		select.value = values.includes(chosen) ? chosen : '';
		select.disabled = !values.length;
	}

	chosen(connections) {
		const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
		const wanted = this.selects.filter((select) => select.value)
			.map((select) => [select.id, select.value]);

		if (!words.length && !wanted.length)
			return connections;
		return connections.filter((connection) =>
			wanted.every(([key, value]) => connection[key] === value) &&
			words.every((word) => connection.haystack.includes(word)));
	}

	clear() {
		this.search.value = '';
		for (const select of this.selects)
			select.value = '';
		this.offer(this.connections);
	}
}
