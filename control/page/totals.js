/* SPDX-License-Identifier: BSD-3-Clause */
/* All connections together: the figures on top of the page and their chart. */
import { RateChart } from './chart.js';
import { byId, setText } from './element.js';
import { bitRate, joined, packetRate, share, whole } from './quantity.js';
import { Series } from './series.js';

export const outcomesSum = (outcomes) =>
	Object.values(outcomes ?? {}).reduce((sum, packets) => sum + packets, 0);

export class Totals {
	constructor() {
		this.series = new Series();
		this.chart = new RateChart(byId('total-chart'), 128,
			'Receive and transmit of all connections, the last ten minutes');
	}

	count(book) {
		const {total} = book;

		this.series.add(book.time, total.receiveBits, total.transmitBits);
		this.chart.draw(this.series);
		this.show(book);
	}

	show(book) {
		const {total, outcomes} = book;
		const packets = outcomesSum(outcomes);

		setText(byId('total-receive'), joined(bitRate(total.receiveBits)));
		setText(byId('total-receive-packets'), joined(packetRate(total.receivePackets)));
		setText(byId('total-transmit'), joined(bitRate(total.transmitBits)));
		setText(byId('total-transmit-packets'), joined(packetRate(total.transmitPackets)));
		setText(byId('total-connections'), whole(book.list.length));
		setText(byId('total-moving'),
			total.bits === null ? '–' : `${whole(book.movingCount())} carry traffic`);
		setText(byId('total-matched'), share(outcomes?.matched ?? 0, packets));
		setText(byId('total-packets'), outcomes ? `of ${whole(packets)} packets` : '–');
	}
}
