/* SPDX-License-Identifier: MIT */
/* Adds a filter, a theme and sorting to a page that is complete without them; charts.js draws. */
(function () {
	"use strict";
	const root = document.documentElement;
	const all = (selector) => Array.from(document.querySelectorAll(selector));

	function element(name, properties, parent) {
		const made = Object.assign(document.createElement(name), properties);
		parent.append(made);
		return made;
	}

	/* Storage may be refused for a local file; the choice then lasts as long as the page. */
	function remember(value) {
		try { localStorage.setItem("onceproof-theme", value); } catch (refused) { return; }
	}
	function remembered() {
		try { return localStorage.getItem("onceproof-theme"); } catch (refused) { return null; }
	}

	const tools = document.getElementById("tools");

	const filter = element("input", { type: "search", placeholder: "Filter: mutex …" }, tools);
	filter.setAttribute("aria-label", "Show only what contains");
	filter.addEventListener("input", function () {
		const wanted = filter.value.trim().toLowerCase().split(/\s+/);
		for (const row of all("[data-filter]")) {
			const text = row.dataset.filter.toLowerCase();
			row.hidden = !wanted.every((word) => text.includes(word));
		}
	});

	const fold = element("button", { type: "button", textContent: "Open all" }, tools);
	fold.addEventListener("click", function () {
		const open = fold.textContent === "Open all";
		for (const part of all("details.one"))
			part.open = open;
		fold.textContent = open ? "Close all" : "Open all";
	});

	const dark = matchMedia("(prefers-color-scheme: dark)");
	const theme = element("button", { type: "button" }, tools);
	function isDark() {
		return root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
	}
	function label() {
		theme.textContent = isDark() ? "Light" : "Dark";
		theme.setAttribute("aria-label", isDark() ? "Switch to light colours" : "Switch to dark colours");
	}
	const stored = remembered();
	if (stored === "dark" || stored === "light")
		root.dataset.theme = stored;
	label();
	theme.addEventListener("click", function () {
		root.dataset.theme = isDark() ? "light" : "dark";
		remember(root.dataset.theme);
		label();
		document.dispatchEvent(new Event("recolour"));
	});
	dark.addEventListener("change", function () { label(); document.dispatchEvent(new Event("recolour")); });

	/* A link to a part opens it, also in browsers that do not open it by themselves. */
	function openTarget() {
		const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
		const part = target && target.closest("details");
		if (part && !part.open) {
			part.open = true;
			target.scrollIntoView();
		}
	}
	addEventListener("hashchange", openTarget);
	openTarget();

	let closed = [];
	addEventListener("beforeprint", function () {
		closed = all("details.one:not([open])");
		for (const part of closed)
			part.open = true;
		document.dispatchEvent(new Event("drawall"));
	});
	addEventListener("afterprint", function () {
		for (const part of closed)
			part.open = false;
	});
	/* A column's head becomes a button that sorts by it; what has no number comes last. */
	function sortable(table) {
		const heads = Array.from(table.tHead.rows[0].cells), body = table.tBodies[0];
		heads.forEach(function (head, column) {
			const button = document.createElement("button");
			button.type = "button";
			button.append(...head.childNodes);
			head.append(button);
			button.addEventListener("click", function () {
				const up = head.getAttribute("aria-sort") !== "ascending", rows = Array.from(body.rows);
				const value = (row) => column === 0 ? row.cells[0].textContent : Number(row.cells[column].dataset.ns || NaN);
				const order = (a, b) => typeof a === "string" ? a.localeCompare(b) : isNaN(a) || isNaN(b) ? isNaN(a) - isNaN(b) : a - b;
				rows.sort(function (left, right) {
					const a = value(left), b = value(right);
					return up || (column > 0 && (isNaN(a) || isNaN(b))) ? order(a, b) : order(b, a);
				});
				body.append(...rows);
				for (const other of heads)
					other.removeAttribute("aria-sort");
				head.setAttribute("aria-sort", up ? "ascending" : "descending");
			});
		});
	}
	all("table.sortable").forEach(sortable);
})();
