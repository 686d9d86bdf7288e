/* SPDX-License-Identifier: BSD-3-Clause */
/* The last ten minutes of two rates, a point a second, as uPlot takes them. */

const POINTS_MAX = 600;

export class Series {
	constructor() {
		this.points = [[], [], []]; /* time, receive, transmit */
	}

	/* null: not known, a gap in the line. */
	add(time, receive, transmit) {
		const [times] = this.points;

		if (times.length && time <= times.at(-1))
			return;
		[time, receive, transmit].forEach((value, i) => this.points[i].push(value));
		if (times.length > POINTS_MAX)
			this.points.forEach((points) => points.shift());
	}
}

/* Of connections that were looked at, the latest few. */
const KEPT_MAX = 50;

export class Histories {
	constructor() {
		this.byName = new Map();
	}

	/* The history of a connection, which begins with this look at it unless it has one. */
	of(connection) {
		const series = this.byName.get(connection.name) ?? new Series();

		/* A Map keeps its order: the one looked at longest ago is the first. */
		this.byName.delete(connection.name);
		this.byName.set(connection.name, series);
		if (this.byName.size > KEPT_MAX)
			this.byName.delete(this.byName.keys().next().value);
		return series;
	}

	add(book) {
		for (const [name, series] of this.byName) {
			const connection = book.byName.get(name);

			if (connection)
				series.add(book.time, connection.receiveBits, connection.transmitBits);
			else
				this.byName.delete(name);
		}
	}
}
