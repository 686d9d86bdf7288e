/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection as the page knows it: what was registered, what it counted, how fast it counts. */

export class Connection {
	constructor(facts) {
		/* Receive packets and bytes, transmit packets and bytes; null: not told yet. */
		this.counts = null;
		this.describe(facts);
		this.stand(null);
	}

	/* What was registered, also when it changed. */
	describe(facts) {
		this.facts = facts;
		this.name = facts.name;
		this.partner = facts.partner;
		this.country = facts.country;
		this.state = facts.state ?? '';
		this.place = this.state ? `${this.country}-${this.state}` : this.country;
		this.haystack = [facts.name, facts.partner, facts.city, facts.primary_site,
			facts.backup_site, ...Object.entries(facts.labels ?? {}).flat()]
			.filter(Boolean).join('\n').toLowerCase();
	}

	/* Not moving: 0; null where that is not known. */
	stand(rate) {
		this.receivePackets = this.receiveBits = rate;
		this.transmitPackets = this.transmitBits = rate;
		this.bits = rate;
	}

	/* New counts, so many seconds after those before; NaN: no rate can be told from them. */
	count(counts, seconds) {
		const before = this.counts;

		this.counts = counts;
		if (!before || !(seconds > 0) || counts.some((value, i) => value < before[i])) {
			this.stand(null);
			return;
		}
		this.receivePackets = (counts[0] - before[0]) / seconds;
		this.receiveBits = 8 * (counts[1] - before[1]) / seconds;
		this.transmitPackets = (counts[2] - before[2]) / seconds;
		this.transmitBits = 8 * (counts[3] - before[3]) / seconds;
		this.bits = this.receiveBits + this.transmitBits;
	}
}
