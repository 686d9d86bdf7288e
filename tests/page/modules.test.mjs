/* SPDX-License-Identifier: BSD-3-Clause */
/* The status page's modules that need no browser: node modules.test.mjs. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Book } from '../../control/page/book.js';
import { bitRate, duration, joined, packetRate, scaled, share, whole }
	from '../../control/page/quantity.js';
import { Series } from '../../control/page/series.js';

const plain = (text) => text.replaceAll('\u00a0', ' ');

test('rates have three digits and an SI prefix', () => {
	for (const [value, text] of [[0, '0 bit/s'], [0.2, '<1 bit/s'], [999, '999 bit/s'],
		[999.6, '1.00 kbit/s'], [1234, '1.23 kbit/s'], [9996, '10.0 kbit/s'],
		[99960, '100 kbit/s'], [999400, '999 kbit/s'], [999600, '1.00 Mbit/s'],
		[1e11, '100 Gbit/s'], [1.5e18, '1.50 Ebit/s'], [null, '–'], [NaN, '–'], [undefined, '–']])
		assert.equal(plain(joined(bitRate(value))), text);
	assert.equal(plain(joined(packetRate(14880952))), '14.9 Mpps');
	assert.deepEqual(scaled(1e6), ['1.00', 'M']);
});

test('counters are shown in full', () => {
	assert.equal(whole(0), '0');
	assert.equal(whole(9007199254740991), '9,007,199,254,740,991');
	assert.equal(whole(undefined), '–');
});

test('latencies have the unit that suits them', () => {
	for (const [seconds, text] of [[0.00034, '340 µs'], [0.0041, '4.10 ms'], [0.0312, '31.2 ms'],
		[0.25, '250 ms'], [1.2, '1.20 s'], [undefined, '–']])
		assert.equal(plain(duration(seconds)), text);
});

test('a share is said to be none or all only where it is', () => {
	for (const [part, all, text] of [[0, 5, '0 %'], [5, 5, '100 %'], [1, 1e6, '<0.1 %'],
		[999999, 1e6, '>99.9 %'], [1, 3, '33.3 %'], [0, 0, '–']])
		assert.equal(plain(share(part, all)), text);
});

const facts = (name) => ({id: 1, name, partner: 'Colt', country: 'GB'});
const event = (time, connections) => ({time, connections, outcomes: {}});

function bookOf(...names) {
	const book = new Book();

	book.load(names.map(facts));
	book.restart();
	return book;
}

test('a rate is the difference of two events, and 0 for what was not told again', () => {
	const book = bookOf('a', 'b');
	const [a, b] = book.list;

	book.count(event(10, {a: [0, 0, 5, 500], b: [1, 100, 0, 0]}));
	assert.deepEqual([a.bits, book.total.bits], [null, null]);
	book.count(event(12, {a: [20, 2000, 5, 500]}));
	assert.deepEqual([a.receivePackets, a.receiveBits, a.transmitBits], [10, 8000, 0]);
	assert.deepEqual([b.bits, book.total.receiveBits, book.movingCount()], [0, 8000, 1]);
	book.count(event(13, {}));
	assert.deepEqual([a.bits, book.total.bits, book.movingCount()], [0, 0, 0]);
	assert.deepEqual(a.counts, [20, 2000, 5, 500]);
});

test('no rate is made of a counter that fell, a clock that was set, or a new stream', () => {
	const book = bookOf('a');
	const [a] = book.list;

	book.count(event(10, {a: [5, 500, 0, 0]}));
	book.count(event(11, {a: [1, 100, 0, 0]}));
	assert.equal(a.bits, null);
	book.count(event(9, {a: [2, 200, 0, 0]}));
	assert.equal(a.bits, null);
	book.count(event(10, {a: [3, 300, 0, 0]}));
	assert.equal(a.bits, 800);
	book.restart();
	book.count(event(20, {a: [1000, 1e6, 0, 0]}));
	assert.equal(a.bits, null);
});

test('counts that come before their connection are kept for it', () => {
	const book = bookOf('a');

	assert.equal(book.count(event(10, {a: [0, 0, 0, 0], late: [7, 700, 0, 0]})), true);
	assert.equal(book.count(event(11, {})), false);
	book.load(['a', 'late'].map(facts));
	assert.deepEqual(book.byName.get('late').counts, [7, 700, 0, 0]);
	book.load([facts('late')]);
	book.count(event(12, {}));
	assert.deepEqual(book.list.map((connection) => connection.name), ['late']);
});

test('a series keeps ten minutes and no point twice', () => {
	const series = new Series();

	for (let time = 0; time < 1000; time++)
		series.add(time, time, null);
	series.add(999, 1, 1);
	assert.equal(series.points[0].length, 600);
	assert.equal(series.points[0].at(-1), 999);
	assert.equal(series.points[1].at(-1), 999);
	assert.equal(series.points[2][0], null);
});
