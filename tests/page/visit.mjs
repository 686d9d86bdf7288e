/* SPDX-License-Identifier: BSD-3-Clause */
/* Opens the status page in a real Chromium, and holds it to what must be true of any visit. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const folder = process.env.PEERTAG_BROWSER;
const { chromium } = createRequire(`${folder}/package.json`)('playwright-core');

export const DESK = {width: 1440, height: 900};
export const PHONE = {width: 360, height: 740};

async function launch() {
	return chromium.launch({
		executablePath: process.env.PEERTAG_CHROMIUM ?? '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu'],
	});
}

/* What the page does that it must not: it is collected here while the statement runs. */
function watch(page, url) {
	const faults = [];

	page.on('console', (message) => {
		/* A daemon that measures no latency has no such path. */
		const absent = message.location().url.includes('/v1/latency?');

		if (['error', 'warning'].includes(message.type()) && !absent)
			faults.push(`console: ${message.text()}`);
	});
	page.on('pageerror', (error) => faults.push(`exception: ${error.stack}`));
	page.on('request', (request) => {
		if (!request.url().startsWith(url) && !request.url().startsWith('data:'))
			faults.push(`request to elsewhere: ${request.url()}`);
	});
	return faults;
}

/* Tries statement(page, given) on the page at `url`; options are those of a browser's context. */
export async function visit(url, statement, given, {expected = /^$/, ...options} = {}) {
	const browser = await launch();

	try {
		const context = await browser.newContext({viewport: DESK, ...options});
		const page = await context.newPage();
		const faults = watch(page, url);

		page.setDefaultTimeout(15000);
		await page.addInitScript(() => {
			window.violations = [];
			document.addEventListener('securitypolicyviolation', (event) =>
				window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
		});
		await page.goto(`${url}/`);
		await page.locator('#live', {hasText: /^live$/}).waitFor();
		await page.locator('#total-connections', {hasText: /^[\d,]+$/}).waitFor();
		await statement(page, given);
		assert.deepEqual(await page.evaluate(() => window.violations), [], 'policy violations');
		assert.deepEqual(faults.filter((fault) => !expected.test(fault)), [], 'faults');
	} finally {
		await browser.close();
	}
}
