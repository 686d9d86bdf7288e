/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of connections. Only the rows in sight are elements: a few dozen, moved and rewritten as
 * the list scrolls, whatever its length. The focus stays on the grid itself, which names the row it
 * is at (aria-activedescendant); rows say their place among all (aria-rowindex).
 */
import { element, setText } from './element.js';
import { bitRate, packetRate, whole } from './quantity.js';

const SPARE_ROWS = 6; /* above and below those in sight */
const REST_MS = 1000; /* nothing changes places under a hand that scrolls or points */

const byRank = (a, b) => a.rank - b.rank;
const byText = (key) => (a, b) => a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : byRank(a, b);
const byRate = (key) => (a, b) => (a[key] ?? -1) - (b[key] ?? -1);

/* live: its order changes with the counters. */
const COLUMNS = [
	{key: 'name', title: 'Name', compare: byRank, descending: false},
	{key: 'partner', title: 'Partner', compare: byText('partner'), descending: false},
	{key: 'place', title: 'Place', compare: byText('place'), descending: false},
	{key: 'bits', title: 'Total', show: bitRate},
	{key: 'receiveBits', title: 'Receive', show: bitRate},
	{key: 'receivePackets', title: 'packets', spoken: 'Receive packets', show: packetRate},
	{key: 'transmitBits', title: 'Transmit', show: bitRate},
	{key: 'transmitPackets', title: 'packets', spoken: 'Transmit packets', show: packetRate},
].map((column) => column.show ?
	{...column, compare: byRate(column.key), descending: true, live: true} : column);

class Row {
	constructor(number) {
		this.cells = COLUMNS.map((column, index) => element('div', {
			role: 'gridcell', 'aria-colindex': index + 1, class: `cell ${column.key}`,
		}));
		for (const [index, column] of COLUMNS.entries())
			if (column.show)
				this.cells[index].append(element('span'), element('span', {class: 'unit'}));
			else
				this.cells[index].append(element('bdi'));
		this.node = element('div', {role: 'row', id: `row-${number}`, class: 'row'}, ...this.cells);
	}

	show(connection, at, height, active, open) {
		const {node} = this;

		this.connection = connection;
		node.style.transform = `translateY(${at * height}px)`;
		node.setAttribute('aria-rowindex', at + 2); /* the head is the first */
		node.setAttribute('aria-selected', open);
		node.classList.toggle('active', active);
		for (const [index, {key, show}] of COLUMNS.entries()) {
			const [first, second] = this.cells[index].children;
			const [text, unit] = show ? show(connection[key]) : [connection[key]];

			setText(first, text);
			if (show)
				setText(second, unit);
			this.cells[index].classList.toggle('zero', connection[key] === 0);
		}
		this.cells[0].title = connection.name;
		this.cells[1].title = connection.partner;
	}
}

export class Grid {
	/* opened(connection): a row was chosen. */
	constructor(node, opened) {
		this.node = node;
		this.opened = opened;
		this.rows = [];
		this.connections = [];
		this.order = [];
		this.column = COLUMNS[3];
		this.descending = true;
		this.active = null; /* the connection that the keyboard is at */
		this.open = null; /* the one whose details are shown */
		this.touched = -Infinity;
		this.#build();
		node.addEventListener('scroll', () => {
			this.touched = performance.now();
			this.draw();
		}, {passive: true});
		node.addEventListener('pointermove', () => this.touched = performance.now(), {passive: true});
		node.addEventListener('keydown', (event) => this.#key(event));
		this.body.addEventListener('click', (event) => this.#click(event));
		new ResizeObserver(() => this.#measure()).observe(node);
	}

	#build() {
		this.heads = COLUMNS.map((column, index) => {
			const button = element('button', {type: 'button', 'aria-label': column.spoken},
				column.title);

			button.addEventListener('click', () => this.sortBy(column));
			return element('div', {role: 'columnheader', 'aria-colindex': index + 1,
				class: `cell ${column.key}`}, button);
		});
		this.head = element('div', {role: 'row', 'aria-rowindex': 1, class: 'head'}, ...this.heads);
		this.body = element('div', {role: 'rowgroup', class: 'rows'});
		this.node.setAttribute('aria-colcount', COLUMNS.length);
		this.node.replaceChildren(element('div', {role: 'rowgroup', class: 'heads'}, this.head),
			this.body, element('p', {class: 'empty', hidden: true}));
		this.empty = this.node.lastChild;
		this.#markSort();
	}

	#markSort() {
		this.heads.forEach((head, index) => {
			const sorted = COLUMNS[index] === this.column;

			head.setAttribute('aria-sort',
				sorted ? this.descending ? 'descending' : 'ascending' : 'none');
		});
	}

	#measure() {
		this.height = parseFloat(getComputedStyle(this.node).getPropertyValue('--row'));
		this.draw();
	}

	sortBy(column) {
		this.descending = column === this.column ? !this.descending : column.descending;
		this.column = column;
		this.#markSort();
		this.show(this.connections);
		this.node.scrollTop = 0;
	}

	/* Which connections; `why` is said where there are none. */
	show(connections, why) {
		this.connections = connections;
		this.#sort();
		setText(this.empty, why ?? '');
		this.empty.hidden = connections.length > 0;
		this.node.setAttribute('aria-rowcount', connections.length + 1);
		this.draw();
	}

	#sort() {
		const {compare} = this.column;
		const sign = this.descending ? -1 : 1;

		/* Equal rates stay in the order of the names whichever way the rest is sorted. */
		this.order = [...this.connections].sort((a, b) => sign * compare(a, b) || byRank(a, b));
	}

	/* The counters are new. */
	refresh() {
		if (this.column.live && performance.now() - this.touched > REST_MS)
			this.#sort();
		this.draw();
	}

	/* With the next frame, once. */
	draw() {
		if (this.drawing)
			return;
		this.drawing = true;
		requestAnimationFrame(() => {
			this.drawing = false;
			this.#draw();
		});
	}

	#draw() {
		const {node, height, order} = this;

		if (!height)
			return;
		/* Its height first: a list that became shorter is not scrolled as far any more. */
		this.body.style.height = `${order.length * height}px`;
		const {scrollTop} = node;
		const end = Math.min(order.length,
			Math.ceil((scrollTop + node.clientHeight) / height) + SPARE_ROWS);
		const first = Math.min(end, Math.max(0, Math.floor(scrollTop / height) - SPARE_ROWS));

		this.#haveRows(end - first);
		let activeRow = null;

		/* A row stays with its place modulo their number: scrolling by one rewrites one. */
		for (let at = first; at < end; at++) {
			const row = this.rows[at % this.rows.length];
			const connection = order[at];

			row.show(connection, at, height, connection === this.active, connection === this.open);
			if (connection === this.active)
				activeRow = row;
		}
		if (activeRow)
			node.setAttribute('aria-activedescendant', activeRow.node.id);
		else
			node.removeAttribute('aria-activedescendant');
	}

	#haveRows(count) {
		while (this.rows.length < count) {
			const row = new Row(this.rows.length);

			this.rows.push(row);
			this.body.append(row.node);
		}
		while (this.rows.length > count)
			this.rows.pop().node.remove();
	}

	#click(event) {
		const node = event.target.closest('[role=row]');
		const row = this.rows.find((candidate) => candidate.node === node);

		if (!row)
			return;
		this.active = row.connection;
		this.opened(row.connection);
	}

	#key(event) {
		const page = Math.max(1, Math.floor(this.node.clientHeight / this.height) - 2);
		const at = this.order.indexOf(this.active);
		const moves = {
			ArrowDown: at + 1, ArrowUp: at < 0 ? 0 : at - 1, PageDown: at + page, PageUp: at - page,
			Home: 0, End: this.order.length - 1,
		};

		if (event.target !== this.node || event.altKey || event.ctrlKey || event.metaKey)
			return;
		if (event.key in moves)
			this.moveTo(moves[event.key]);
		else if (event.key === 'Enter' && this.active)
			this.opened(this.active);
		else
			return;
		event.preventDefault();
	}

	/* Makes the row at this place the active one, and shows it. */
	moveTo(place) {
		const at = Math.max(0, Math.min(this.order.length - 1, place));
		const head = this.head.offsetHeight;
		const top = at * this.height;
		const room = this.node.clientHeight - head - this.height;

		this.active = this.order[at] ?? null;
		if (top < this.node.scrollTop)
			this.node.scrollTop = top;
		else if (top > this.node.scrollTop + room)
			this.node.scrollTop = top - room;
		this.draw();
	}

	/* For whoever comes in by the keyboard. */
	enter() {
		this.node.focus({preventScroll: true});
		if (!this.order.includes(this.active))
			this.moveTo(0);
	}

	countText(total) {
		const shown = this.order.length;

		return shown === total ? whole(total) : `${whole(shown)} of ${whole(total)}`;
	}
}
