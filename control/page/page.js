/* SPDX-License-Identifier: BSD-3-Clause */
/* The status page: what is asked of the daemon, and who is told of the answers. */
import { Book } from './book.js';
import { Details } from './details.js';
import { EdgePanel } from './edge.js';
import { byId, setText } from './element.js';
import { Filter } from './filter.js';
import { Grid } from './grid.js';
import { timeOfDay } from './quantity.js';
import { Histories } from './series.js';
import { Stream } from './stream.js';
import { Totals } from './totals.js';

const ASK_REST_MS = 1000; /* between two answers of a kind: one change makes several events */
const STATUS_MS = 5000; /* the ports' own counts, which no event tells */

let lostSince = 0; /* 0: the stream is open */

const book = new Book();
const histories = new Histories();
const totals = new Totals();
const edge = new EdgePanel(byId('edge'));
const details = new Details(byId('details'), closeDetails);
const grid = new Grid(byId('grid'), openDetails);
const filter = new Filter(showChosen);

function showChosen() {
	grid.show(filter.chosen(book.list), book.list.length ?
		'No connection matches. Escape in the search field shows all again.' :
		'No connection is registered.');
	setText(byId('count'), grid.countText(book.list.length));
}

function openDetails(connection) {
	grid.open = grid.active = connection;
	details.open(connection, histories.of(connection));
	document.body.classList.add('detailed');
	details.title.focus({preventScroll: true});
	history.replaceState(null, '', `#${encodeURIComponent(connection.name)}`);
	grid.draw();
}

function closeDetails() {
	const reading = details.node.contains(document.activeElement);

	grid.open = null;
	details.close();
	document.body.classList.remove('detailed');
	history.replaceState(null, '', location.pathname);
	if (reading)
		grid.enter();
	grid.draw();
}

/* The connection that the address names, when the page is opened with one. */
function openNamed() {
	const hash = location.hash.slice(1);
	const isNamed = (connection) => encodeURIComponent(connection.name) === hash;
	const connection = hash && !details.connection ? book.list.find(isNamed) : null;

	if (connection)
		openDetails(connection);
}

async function fetchDocument(path) {
	const answer = await fetch(path);

	if (!answer.ok)
		throw new Error(`${path}: ${answer.status}`);
	return answer.json();
}

async function fetchConnections() {
	book.load(await fetchDocument('/v1/connections?brief=1'));
	filter.offer(book.list);
	showChosen();
	totals.show(book);
	if (!details.connection)
		openNamed();
	else if (book.byName.has(details.connection.name))
		details.describe();
	else
		closeDetails();
}

async function fetchStatus() {
	edge.show(await fetchDocument('/v1/status'));
}

/*
 * One question of a kind at a time, and a rest behind it; what is wanted meanwhile is asked then,
 * once. So is what failed, unless the daemon is away: the next stream asks for all.
 */
function calmly(ask) {
	let wanted = false, asking = false;

	async function go() {
		while (wanted) {
			wanted = false;
			await ask().catch(() => wanted = !lostSince);
			await new Promise((resolve) => setTimeout(resolve, ASK_REST_MS));
		}
		asking = false;
	}
	return () => {
		wanted = true;
		if (!asking) {
			asking = true;
			go();
		}
	};
}

const askConnections = calmly(fetchConnections);
const askStatus = calmly(fetchStatus);

function told(event) {
	if (event.event === 'counters') {
		counted(event);
		return;
	}
	askStatus();
	if (event.event === 'revision' || event.event === 'lost' && event.events)
		askConnections();
}

function counted(event) {
	if (book.count(event))
		askConnections();
	histories.add(book);
	totals.count(book);
	edge.countOutcomes(book.outcomes);
	details.count();
	grid.refresh();
}

function opened() {
	lostSince = 0;
	document.body.classList.remove('lost');
	setText(byId('live'), 'live');
	book.restart();
	askConnections();
	askStatus();
}

function lost() {
	lostSince ||= Date.now() / 1000;
	document.body.classList.add('lost');
	setText(byId('live'), `no word from peertagd since ${timeOfDay(lostSince)}, trying again`);
}

function pressed(event) {
	const typing = event.target.matches?.('input, select, textarea');

	if (event.altKey || event.ctrlKey || event.metaKey)
		return;
	if (event.key === '/' && !typing)
		filter.search.focus();
	else if (event.key === 'Escape' && event.target === filter.search && filter.search.value)
		leaveSearch();
	else if (event.key === 'Escape' && details.connection)
		closeDetails();
	else if (event.target === filter.search && ['ArrowDown', 'Enter'].includes(event.key))
		grid.enter();
	else
		return;
	event.preventDefault();
}

function leaveSearch() {
	filter.clear();
	showChosen();
	grid.enter();
}

document.addEventListener('keydown', pressed);
window.addEventListener('hashchange', openNamed);
setInterval(() => {
	if (!document.hidden && !lostSince)
		askStatus();
}, STATUS_MS);
const stream = new Stream('/v1/events?counters=1', {opened, told, lost});
