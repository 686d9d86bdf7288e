/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What holds of the status page, tried in a browser: node statements.mjs NAME URL GIVEN, the last
 * being JSON. What is wrong goes to stderr, and the exit code is 1.
 */
import assert from 'node:assert/strict';
import { PHONE, visit } from './visit.mjs';

const shot = (page, name) =>
	page.screenshot({path: `${process.env.PEERTAG_SHOTS}/page-${name}.png`});
const digits = async (page, id) =>
	Number((await page.locator(`#${id}`).textContent()).replaceAll(',', ''));
const names = (page) => page.locator('.row .name').allTextContents();
const counters = (page) => page.evaluate(async () => (await fetch('/v1/counters')).json());

/* Until probe() gives something that is true. */
async function until(what, probe, seconds = 10) {
	const end = Date.now() + 1000 * seconds;

	for (;;) {
		const value = await probe();

		if (value)
			return value;
		assert.ok(Date.now() < end, `${what} did not come within ${seconds} s`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

async function openDetails(page, name) {
	await page.locator('#search').fill(name);
	await until(`only ${name}`, async () => (await names(page)).join() === name);
	await page.locator('.row').click();
	await page.locator('#details h2', {hasText: name}).waitFor();
}

/* "4.60 Mbit/s" to 4600000; NaN while it is not known. */
function rateOf(text) {
	const [, number, prefix] = /^([\d.]+)\s*([kMGT]?)(?:bit\/s|pps)$/.exec(text.trim()) ?? [];

	return number * {'': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12}[prefix];
}

const statements = {
	async the_policy_runs_nothing_that_was_put_in(page) {
		const ran = await page.evaluate(async () => {
			const script = document.createElement('script');
			const before = window.violations.length;

			try {
				script.textContent = 'window.ran = true';
			} catch {
				return 'refused';
			}
			document.body.append(script);
			window.violations.length = before;
			return window.ran ?? 'refused';
		});

		assert.equal(ran, 'refused');
		const reached = await page.evaluate(() =>
			fetch('http://127.0.0.2:9471/v1/status').then(() => 'reached', () => 'refused'));

		assert.equal(reached, 'refused');
		assert.ok(await page.evaluate(() => window.violations.splice(0).length) > 0);
	},

	async numbers_equal_the_counters(page, {connections}) {
		const told = await counters(page);

		for (const [outcome, packets] of Object.entries(told.outcomes))
			await until(`${packets} ${outcome}`,
				async () => await digits(page, `outcome-${outcome}`) === packets);
		assert.ok(told.outcomes.matched > 0);
		for (const name of connections) {
			await openDetails(page, name);
			for (const direction of ['receive', 'transmit'])
				for (const unit of ['packets', 'bytes'])
					assert.equal(await digits(page, `details-${direction}-${unit}`),
						told.connections[name][direction][unit], `${name} ${direction} ${unit}`);
		}
		assert.ok(told.connections[connections[0]].receive.packets > 0);
		assert.deepEqual(await counters(page), told, 'the counters stood still meanwhile');
	},

	async rates_are_what_is_sent(page, {name, packets, bits}) {
		const row = page.locator('.row', {hasText: name});
		const near = (text, wanted) => Math.abs(rateOf(text) - wanted) < 0.2 * wanted;
		const shows = async (column, wanted) =>
			near(await row.locator(`.${column}`).textContent(), wanted);

		await until('the rate in the list', async () =>
			await row.count() === 1 && await shows('receivePackets', packets) &&
			await shows('receiveBits', bits) && await shows('transmitBits', bits));
		assert.equal((await names(page))[0], name, 'the fastest is the first');
		assert.ok(near(await page.locator('#total-receive').textContent(), bits), 'the total');
		await openDetails(page, name);
		await until('the rate in the details', async () =>
			near(await page.locator('#details-receive-bits').textContent(), bits));
		await until('a line in the chart', () => page.evaluate(() => {
			const canvas = document.querySelector('#details canvas');
			const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);

			return data.some((value) => value > 0);
		}));
		await page.waitForTimeout(4000);
		await shot(page, 'light');
	},

	async filters_narrow_the_list(page, {total}) {
		const count = async () => (await page.locator('#count').textContent()).trim();
		const shown = async () => (await names(page)).sort();
		const expect = async (text, wanted) => {
			await until(`"${text}"`, async () => await count() === text);
			await page.waitForTimeout(50);
			assert.deepEqual(await shown(), wanted.sort());
		};

		assert.equal(await count(), String(total));
		await page.selectOption('#country', 'US');
		await expect(`2 of ${total}`, ['contoso-seattle', 'fabrikam-austin']);
		assert.deepEqual(await page.locator('#state option').allTextContents(), ['State', 'TX', 'WA']);
		await page.selectOption('#state', 'TX');
		await expect(`1 of ${total}`, ['fabrikam-austin']);
		await page.selectOption('#country', '');
		await page.selectOption('#state', '');
		await page.selectOption('#partner', 'Colt');
		await expect(`2 of ${total}`, ['fabrikam-austin', 'tailspin-berlin']);
		await page.selectOption('#partner', '');
		await page.fill('#search', 'BERLIN colt');
		await expect(`1 of ${total}`, ['tailspin-berlin']);
		await page.fill('#search', '64496');
		await expect(`1 of ${total}`, ['contoso-seattle']);
		await page.fill('#search', 'nobody');
		await expect(`0 of ${total}`, []);
		assert.ok(await page.locator('.empty').isVisible());
		await page.press('#search', 'Escape');
		await until('all of them', async () => await count() === String(total));
	},

	async the_keyboard_is_enough(page) {
		const focused = () => page.evaluate(() => document.activeElement.id);
		const active = () => page.evaluate(() => {
			const id = document.querySelector('#grid').getAttribute('aria-activedescendant');

			return id && document.getElementById(id).querySelector('.name').textContent;
		});

		await page.locator('.head .name button').focus();
		await page.keyboard.press('Enter');
		await until('the order of names', async () => (await names(page))[1] === 'contoso-seattle' ||
			(await names(page)).includes('contoso-seattle'));
		await page.keyboard.press('/');
		assert.equal(await focused(), 'search');
		await page.keyboard.type('o');
		await page.keyboard.press('ArrowDown');
		assert.equal(await focused(), 'grid');
		const listed = await page.evaluate(() => [...document.querySelectorAll('.row')]
			.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
			.map((row) => row.querySelector('.name').textContent));

		assert.ok(listed.length >= 3);
		await until('the first row', async () => await active() === listed[0]);
		await page.keyboard.press('ArrowDown');
		await until('the second row', async () => await active() === listed[1]);
		await page.keyboard.press('End');
		await until('the last row', async () => await active() === listed.at(-1));
		await page.keyboard.press('ArrowUp');
		await until('the one before', async () => await active() === listed.at(-2));
		await page.keyboard.press('Enter');
		assert.equal(await page.locator('#details h2').textContent(), listed.at(-2));
		await page.keyboard.press('Escape');
		assert.equal(await page.locator('#details').isVisible(), false);
		assert.equal(await focused(), 'grid');
		assert.equal(await active(), listed.at(-2), 'it is where it was left');
		assert.equal(await page.getAttribute('#grid', 'aria-rowcount'), String(listed.length + 1));
	},

	async hostile_names_are_text(page, {hostile}) {
		const before = await page.evaluate(() => document.querySelectorAll('script').length);

		for (const [name, partner] of hostile) {
			await openDetails(page, name);
			assert.equal(await page.locator('#details h2').textContent(), name);
			assert.ok((await page.locator('#details .facts').first().textContent()).includes(partner));
			await until('its prefix', async () =>
				await page.locator('.prefixes li').count() > 0, 5);
		}
		assert.equal(await page.evaluate(() => document.querySelectorAll('script').length), before);
		assert.equal(await page.evaluate(() => document.querySelectorAll('img, b.hostile').length), 0);
		assert.equal(await page.evaluate(() => window.hostile), undefined);
	},

	async a_phone_needs_no_sideways_scrolling(page, {name}) {
		const overflow = () => page.evaluate(() =>
			document.documentElement.scrollWidth - document.documentElement.clientWidth);
		const beyond = () => page.evaluate(() => [...document.querySelectorAll('body *')]
			.filter((node) => node.getBoundingClientRect().right > innerWidth + 1 &&
				!node.closest('.head, .spoken')).map((node) => node.outerHTML.slice(0, 80)));

		assert.equal(await page.evaluate(() => innerWidth), PHONE.width);
		await until('rows', async () => (await names(page)).length > 0);
		assert.equal(await overflow(), 0);
		assert.deepEqual(await beyond(), []);
		await shot(page, 'phone');
		await openDetails(page, name);
		await page.waitForTimeout(500);
		assert.equal(await overflow(), 0);
		assert.deepEqual(await beyond(), []);
		await page.locator('#details .close').click();
		assert.equal(await page.locator('#details').isVisible(), false);
	},

	async dark_is_dark(page) {
		const light = (property) => page.evaluate((name) => {
			const [red, green, blue] = getComputedStyle(document.documentElement)[name]
				.match(/[\d.]+/g).map(Number);

			return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
		}, property);

		assert.ok(await light('backgroundColor') < 0.15);
		assert.ok(await light('color') > 0.7);
		await page.waitForTimeout(2500);
		await shot(page, 'dark');
		await page.emulateMedia({colorScheme: 'light'});
		assert.ok(await light('backgroundColor') > 0.8);
	},

	/* The answers are put in front of the page: what is tried is how it shows them. */
	async latency_is_shown_withheld_or_not_measured(page, {measured, withheld, neither}) {
		const text = () => page.locator('.latency').textContent();
		const latency = {samples: 1234, p50: 0.0041, p90: 0.0093, p99: 0.0312, mean: 0.0052,
			buckets: [[0.001, 0], [0.002, 300], [0.005, 700], [0.01, 200], [0.05, 34], [0.1, 0]]};

		await page.route('**/v1/latency?*', (route) => route.fulfill({json: {
			connections: {[measured]: latency, [withheld]: {withheld: 'too few hosts'}},
			prefixes: {'203.0.113.0/24': {...latency, connection: measured},
				'198.51.100.0/24': {...latency, connection: withheld}},
			window: {seconds: 60, end: 1700000000},
		}}));
		await openDetails(page, measured);
		await until('the percentiles', async () => /4\.10\sms.*9\.30\sms.*31\.2\sms/.test(await text()));
		assert.ok((await text()).includes('1,234'));
		assert.equal(await page.locator('.latency canvas').count(), 1);
		assert.ok((await text()).includes('203.0.113.0/24'));
		assert.ok(!(await text()).includes('198.51.100.0/24'), 'another connection\'s prefix');
		await openDetails(page, withheld);
		await until('the reason', async () => (await text()).includes('withheld: too few hosts'));
		assert.equal(await page.locator('.latency canvas').count(), 0);
		await openDetails(page, neither);
		await until('"not measured"', async () => (await text()).includes('not measured'));
	},

	/* What the daemon really says of these. */
	async measured_latency_is_shown(page, {names: measured}) {
		for (const name of measured) {
			await openDetails(page, name);
			await until(`the percentiles of ${name}`, async () =>
				/p50.*ms/s.test(await page.locator('.latency').textContent()), 30);
			assert.ok(await page.locator('.latency canvas').count() >= 1);
			await shot(page, `latency-${name}`);
		}
	},

	async a_path_that_is_not_there_is_not_measured(page, {name}) {
		await page.route('**/v1/latency?*', (route) => route.fulfill({status: 404, json: {}}));
		await openDetails(page, name);
		assert.ok((await page.locator('.latency').textContent()).includes('not measured'));
	},

	async a_lost_daemon_is_told_and_found_again(page, {name}) {
		await openDetails(page, name);
		console.log('watching');
		await until('the loss', async () => (await page.locator('#live').textContent())
			.startsWith('no word from peertagd'), 15);
		console.log('lost');
		await until('the return', async () =>
			await page.locator('#live').textContent() === 'live', 30);
		const told = await counters(page);

		await until('the counts', async () =>
			await digits(page, 'details-receive-packets') === told.connections[name].receive.packets);
	},

	async a_change_is_shown_without_a_reload(page, {added, removed}) {
		await until('the old one', async () => (await names(page)).includes(removed));
		console.log('watching');
		await until('the new one', async () => (await names(page)).includes(added));
		await until('the end of the old one', async () => !(await names(page)).includes(removed));
		await until('the revision', async () =>
			/revision [2-9]/.test(await page.locator('#revision').textContent()));
	},

	async without_an_engine_the_registry_is_shown(page, {name}) {
		await until('the connection', async () => (await names(page)).includes(name));
		assert.ok((await page.locator('#edge').textContent()).includes('None is configured'));
		await openDetails(page, name);
		assert.equal(await digits(page, 'details-receive-packets'), 0);
	},

	async engines_and_ports_are_shown(page, {ports}) {
		const text = await page.locator('.engine').textContent();

		for (const port of ports)
			assert.ok(text.includes(port), `${port} in ${text}`);
		assert.equal(await page.locator('#ready').textContent(), 'ready');
		assert.match(await page.locator('.engine .facts').textContent(), /Generation\d+/);
	},

	/* Frames while it scrolls from top to bottom, every connection counting. */
	async ten_thousand_scroll_smoothly(page, {total}) {
		await until('all of them', async () =>
			await page.locator('#total-connections').textContent() === total.toLocaleString('en-US'));
		await until('traffic on most of them', async () => {
			const [moving] = (await page.locator('#total-moving').textContent()).split(' ');

			return Number(moving.replaceAll(',', '')) > 0.9 * total;
		}, 30);
		const {frames, most, seconds} = await page.evaluate(scrollThrough);
		const sorted = [...frames].sort((a, b) => a - b);
		const [median, high] = [0.5, 0.95].map((part) => sorted[Math.floor(part * sorted.length)]);

		console.log(`${frames.length} frames in ${seconds.toFixed(1)} s: median ` +
			`${median.toFixed(1)} ms, 95 % below ${high.toFixed(1)} ms, longest ` +
			`${sorted.at(-1).toFixed(0)} ms; at most ${most} rows are elements`);
		assert.ok(most < 80, `${most} rows`);
		assert.ok(most >= 10, `${most} rows: nothing was shown`);
		assert.ok(median < 40, `half of the frames take ${median} ms`);
		assert.ok(high < 120, `one in twenty frames takes ${high} ms`);
		assert.ok(sorted.at(-1) < 700, `a frame took ${sorted.at(-1)} ms`);
		await page.locator('#grid').evaluate((grid) => grid.scrollTop = grid.scrollHeight);
		await until('the last row', () => page.locator(`.row[aria-rowindex="${total + 1}"]`).count());
		await page.fill('#search', 'connection-09999');
		await until('one row', async () => (await names(page)).length === 1, 3);
	},
};

/* In the page: eight seconds of scrolling, a frame's time each. */
function scrollThrough() {
	const grid = document.querySelector('#grid');
	const frames = [], began = performance.now();
	let last = began, most = 0;

	return new Promise((resolve) => {
		function frame(now) {
			const seconds = (now - began) / 1000;

			frames.push(now - last);
			last = now;
			most = Math.max(most, document.querySelectorAll('.row').length);
			grid.scrollTop = grid.scrollHeight * (0.5 - 0.5 * Math.cos(Math.PI * seconds / 4));
			if (seconds < 8)
				requestAnimationFrame(frame);
			else
				resolve({frames: frames.slice(2), most, seconds});
		}
		requestAnimationFrame(frame);
	});
}

/* What a browser complains of when a daemon is away, or when the policy is tried on purpose. */
const options = {
	a_phone_needs_no_sideways_scrolling: {viewport: PHONE, hasTouch: true, isMobile: true},
	dark_is_dark: {colorScheme: 'dark'},
	a_lost_daemon_is_told_and_found_again: {
		expected: /ERR_(CONNECTION|INCOMPLETE|EMPTY)|EventSource/},
	the_policy_runs_nothing_that_was_put_in: {
		expected: /Content Security Policy|TrustedScript|elsewhere/},
};

const [name, url, given] = process.argv.slice(2);

try {
	await visit(url, statements[name], JSON.parse(given), options[name]);
} catch (error) {
	console.error(error.stack ?? String(error));
	process.exitCode = 1;
}
