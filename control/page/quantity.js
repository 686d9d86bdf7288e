/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers as network engineers read them: SI prefixes, three digits, bits a second. */

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
const NOT_KNOWN = '–';

const grouped = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});

/* [digits, prefix]: 999 is ['999', ''], 1234567 is ['1.23', 'M']. Not known: ['–', '']. */
export function scaled(value) {
	let power = 0;

	if (value === null || value === undefined || !Number.isFinite(value))
		return [NOT_KNOWN, ''];
	/* 999.5 would be written as 1000. */
	while (value >= 999.5 && power < PREFIXES.length - 1) {
		value /= 1000;
		power++;
	}
	if (power === 0)
		return [value > 0 && value < 0.5 ? '<1' : String(Math.round(value)), ''];
	return [value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0), PREFIXES[power]];
}

/* [digits, unit] */
export function bitRate(value) {
	const [digits, prefix] = scaled(value);

	return [digits, digits === NOT_KNOWN ? '' : `${prefix}bit/s`];
}

export function packetRate(value) {
	const [digits, prefix] = scaled(value);

	return [digits, digits === NOT_KNOWN ? '' : `${prefix}pps`];
}

export const joined = ([digits, unit]) => unit ? `${digits}\u00a0${unit}` : digits;

/* 1,234,567: a counter, in full. */
export function whole(value) {
	return Number.isFinite(value) ? grouped.format(value) : NOT_KNOWN;
}

export function byteCount(value) {
	const [digits, prefix] = scaled(value);

	return joined([digits, digits === NOT_KNOWN ? '' : `${prefix}B`]);
}

/* A latency: 340 µs, 12.3 ms, 1.20 s. */
export function duration(seconds) {
	if (!Number.isFinite(seconds))
		return NOT_KNOWN;
	if (seconds < 1e-3)
		return `${Math.round(seconds * 1e6)}\u00a0µs`;
	if (seconds < 1)
		return `${(seconds * 1e3).toFixed(seconds < 0.01 ? 2 : seconds < 0.1 ? 1 : 0)}\u00a0ms`;
	return `${seconds.toFixed(2)}\u00a0s`;
}

/* Of a whole: 0 % and 100 % are said of nothing and of all only. */
export function share(part, all) {
	const percent = 100 * part / all;

	if (!all)
		return NOT_KNOWN;
	if (part > 0 && percent < 0.1)
		return '<0.1\u00a0%';
	if (part < all && percent > 99.9)
		return '>99.9\u00a0%';
	return `${percent.toFixed(percent === 0 || percent === 100 ? 0 : 1)}\u00a0%`;
}

/* The time of day, of seconds since 1970. */
export function timeOfDay(seconds) {
	return new Date(seconds * 1000).toLocaleTimeString('en-GB');
}
