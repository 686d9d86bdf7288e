/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All connections. What is registered is fetched when it changed; what they count comes once a
 * second: all of them in the first event of a stream, then those that differ from the event before.
 */
import { Connection } from './connection.js';

/* Between two events: a clock that was set, or a machine that slept, makes no rate. */
const SECONDS_MAX = 60;

export class Book {
	constructor() {
		this.byName = new Map();
		this.list = []; /* by name */
		this.moving = new Set(); /* those whose rate is not known to be 0 */
		this.early = new Map(); /* counts that came before the connection was known */
		this.outcomes = null;
		this.time = NaN; /* of the counts; NaN: the next event is the first of its stream */
		this.total = new Connection({name: '', partner: '', country: ''});
	}

	/* The documents of /v1/connections. */
	load(documents) {
		const collator = new Intl.Collator('en', {numeric: true});
		const known = this.byName;

		this.byName = new Map();
		for (const facts of documents)
			this.byName.set(facts.name, this.#described(known.get(facts.name), facts));
		for (const connection of this.moving)
			if (this.byName.get(connection.name) !== connection)
				this.moving.delete(connection);
		this.list = [...this.byName.values()]
			.sort((a, b) => collator.compare(a.name, b.name));
		this.list.forEach((connection, rank) => connection.rank = rank);
	}

	#described(connection, facts) {
		if (connection) {
			connection.describe(facts);
			return connection;
		}
		const made = new Connection(facts);

		made.counts = this.early.get(facts.name) ?? null;
		this.early.delete(facts.name);
		return made;
	}

	/* A stream begins: its first event tells all. */
	restart() {
		this.time = NaN;
		for (const connection of this.list)
			connection.stand(null);
		this.total.stand(null);
		this.moving = new Set(this.list);
	}

	/* A `counters` event. True: it tells of a connection that is not known yet. */
	count(event) {
		const early = this.early.size;
		const elapsed = event.time - this.time;
		const seconds = elapsed > 0 && elapsed < SECONDS_MAX ? elapsed : NaN;
		const rate = seconds > 0 ? 0 : null;
		const before = this.moving;

		this.time = event.time;
		this.outcomes = event.outcomes;
		this.moving = new Set();
		for (const name of Object.keys(event.connections))
			this.#countOne(name, event.connections[name], seconds);
		for (const connection of before)
			if (!this.moving.has(connection))
				connection.stand(rate);
		this.#countTotal(rate);
		return this.early.size > early;
	}

	#countOne(name, counts, seconds) {
		const connection = this.byName.get(name);

		if (!connection) {
			this.early.set(name, counts);
			return;
		}
		connection.count(counts, seconds);
		this.moving.add(connection);
	}

	#countTotal(rate) {
		const total = this.total;

		total.stand(rate);
		if (rate === null)
			return;
		for (const connection of this.moving) {
			total.receivePackets += connection.receivePackets ?? 0;
			total.receiveBits += connection.receiveBits ?? 0;
			total.transmitPackets += connection.transmitPackets ?? 0;
			total.transmitBits += connection.transmitBits ?? 0;
		}
		total.bits = total.receiveBits + total.transmitBits;
	}

	/* How many counted something in the last second. */
	movingCount() {
		let count = 0;

		for (const connection of this.moving)
			count += connection.bits > 0;
		return count;
	}
}
