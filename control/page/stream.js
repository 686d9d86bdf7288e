/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one event stream. A browser reconnects by itself after most failures; what it gives up, and a
 * stream that has fallen silent though it should tell something each second, is opened anew here.
 */
const SILENCE_MS = 5000;
const RETRY_MS = 2000;

export class Stream {
	/* opened(), told(event) and lost() are called as things happen. */
	constructor(path, {opened, told, lost}) {
		this.path = path;
		this.opened = opened;
		this.told = told;
		this.lost = lost;
		this.open();
	}

	open() {
		this.source?.close();
		this.source = new EventSource(this.path);
		this.source.onopen = () => {
			this.#watch(SILENCE_MS);
			this.opened();
		};
		this.source.onmessage = (message) => {
			this.#watch(SILENCE_MS);
			this.told(JSON.parse(message.data));
		};
		this.source.onerror = () => {
			this.lost();
			if (this.source.readyState === EventSource.CLOSED)
				this.#watch(RETRY_MS);
		};
		this.#watch(SILENCE_MS);
	}

	#watch(ms) {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => {
			this.lost();
			this.open();
		}, ms);
	}
}
