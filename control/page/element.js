/* SPDX-License-Identifier: BSD-3-Clause */
/* Making elements. What others wrote (names, labels, errors) only ever becomes text. */

export const byId = (id) => document.getElementById(id);

/* element('p', {class: 'quiet', 'aria-label': 'x'}, 'text', another): attributes, then children. */
export function element(tag, attributes = {}, ...children) {
	const made = document.createElement(tag);

	for (const [key, value] of Object.entries(attributes))
		if (value !== undefined && value !== false)
			made.setAttribute(key, value === true ? '' : value);
	made.append(...children);
	return made;
}

/* Text of a person's choosing: isolated, so that its direction moves nothing beside it. */
export function named(text) {
	return element('bdi', {}, text);
}

/* Writes only what changed: most of what is shown is what was shown a second ago. */
export function setText(target, text) {
	if (target.textContent !== text)
		target.textContent = text;
}

const isEmpty = (value) => value === undefined || value === '' || value.textContent === '';

/* A list of terms and what they are; pairs without a value are left out. */
export function facts(pairs) {
	const list = element('dl', {class: 'facts'});

	for (const [term, ...values] of pairs) {
		const shown = values.filter((value) => !isEmpty(value));

		if (shown.length)
			list.append(element('dt', {}, term), element('dd', {}, ...shown));
	}
	return list;
}

/* A table of one kind of row: heads, and per row the cells, a number's class being "number". */
export function table(heads, rows) {
	const cell = (tag, content, index) => element(tag, {
		class: heads[index].number ? 'number' : undefined,
		scope: tag === 'th' ? 'col' : undefined,
	}, content);

	return element('table', {},
		element('thead', {}, element('tr', {},
			...heads.map((head, index) => cell('th', head.text, index)))),
		element('tbody', {}, ...rows.map((row) => element('tr', {},
			...row.map((content, index) => cell('td', content, index))))));
}
