/* SPDX-License-Identifier: MIT */
/* Walks through the interleavings of a page that is complete without it. */
(function () {
	"use strict";
	const root = document.documentElement;

	/* One finding: step 0 is before all of them. */
	function walk(article) {
		const rows = Array.from(article.querySelectorAll(".steps tbody tr"));
		const bar = article.querySelector(".stepper"), memory = article.querySelector(".memory");
		if (!bar || rows.length === 0)
			return null;
		const told = bar.querySelector("output"), buttons = bar.querySelectorAll("button");
		let at = -1;

		/* What each object holds after the steps so far; objects are known by their names. */
		function show_memory() {
			const values = new Map();
			for (const row of rows.slice(0, at + 1))
				if (row.dataset.where && row.dataset.written !== undefined)
					values.set(row.dataset.where, { value: row.dataset.written, fresh: row === rows[at] });
			while (memory.children.length > 1)
				memory.lastChild.remove();
			for (const [name, entry] of values) {
				const one = document.createElement("b");
				one.textContent = name + " = " + entry.value;
				one.classList.toggle("fresh", entry.fresh);
				memory.append(one);
			}
			memory.hidden = at < 0;
		}

		function show_line() {
			for (const line of article.querySelectorAll(".source .line.now"))
				line.classList.remove("now");
			const row = rows[at];
			if (!row)
				return;
			for (const source of article.querySelectorAll(".source")) {
				if (source.dataset.file !== row.dataset.file)
					continue;
				const line = source.querySelector('[data-line="' + row.dataset.line + '"]');
				if (!line)
					continue;
				line.classList.add("now");
				/* Only the excerpt is scrolled, and not the page. */
				if (line.offsetTop < source.scrollTop || line.offsetTop + 2 * line.offsetHeight > source.scrollTop + source.clientHeight)
					source.scrollTop = line.offsetTop - source.clientHeight / 2;
			}
		}

		function go(to) {
			at = Math.max(-1, Math.min(rows.length - 1, to));
			rows.forEach(function (row, index) {
				row.classList.toggle("now", index === at);
				row.classList.toggle("ahead", at >= 0 && index > at);
				if (index === at)
					row.setAttribute("aria-current", "step");
				else
					row.removeAttribute("aria-current");
			});
			told.textContent = at < 0 ? "Step through it, also with the arrow keys"
				: (at + 1) + " of " + rows.length + ": " + rows[at].dataset.thread;
			buttons[0].disabled = buttons[1].disabled = at < 0;
			buttons[2].disabled = at === rows.length - 1;
			show_memory();
			show_line();
		}

		const moves = { first: () => go(-1), back: () => go(at - 1), on: () => go(at + 1) };
		for (const button of buttons)
			button.addEventListener("click", () => moves[button.dataset.go]());
		rows.forEach((row, index) => row.addEventListener("click", () => go(index)));
		bar.hidden = false;
		go(-1);
		for (const source of article.querySelectorAll(".source")) {
			const named = source.querySelector(".named");
			if (named && named.offsetTop + named.offsetHeight > source.clientHeight)
				source.scrollTop = named.offsetTop - source.clientHeight / 3;
		}
		return { article: article, moves: moves };
	}

	const walks = Array.from(document.querySelectorAll(".witness")).map(walk).filter(Boolean);

	/* The arrow keys walk through the finding that was used last, or else the one in sight. */
	let chosen = null;
	for (const one of walks)
		one.article.addEventListener("pointerdown", function () { chosen = one; });
	document.addEventListener("keydown", function (event) {
		const move = { ArrowRight: "on", ArrowLeft: "back", Home: "first" }[event.key];
		if (!move || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey)
			return;
		const focused = document.activeElement;
		/* Where there is something to scroll sideways, the keys scroll it. */
		if (focused && focused.scrollWidth > focused.clientWidth && focused !== document.body && focused !== root)
			return;
		const inside = walks.find((one) => one.article.contains(focused));
		const seen = walks.find((one) => one.article.getBoundingClientRect().bottom > innerHeight / 3);
		const one = inside || chosen || seen;
		if (!one || (event.key === "Home" && !inside))
			return;
		event.preventDefault();
		one.moves[move]();
	});

	/* Light and dark, as the system has it, or as chosen; storage may be refused for a local file. */
	const dark = matchMedia("(prefers-color-scheme: dark)");
	const theme = document.createElement("button");
	const is_dark = () => root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
	function label() {
		theme.textContent = is_dark() ? "Light" : "Dark";
		theme.setAttribute("aria-label", is_dark() ? "Switch to light colours" : "Switch to dark colours");
	}
	theme.type = "button";
	theme.addEventListener("click", function () {
		root.dataset.theme = is_dark() ? "light" : "dark";
		try { localStorage.setItem("onceproof-theme", root.dataset.theme); } catch (refused) { /* lasts as long as the page */ }
		label();
	});
	try {
		const stored = localStorage.getItem("onceproof-theme");
		if (stored === "dark" || stored === "light")
			root.dataset.theme = stored;
	} catch (refused) { /* as the system has it */ }
	label();
	dark.addEventListener("change", label);
	document.getElementById("tools").append(theme);
})();
