/* SPDX-License-Identifier: MIT */
/* Adds a filter, a theme and charts to a page that is complete without them. */
(function () {
	"use strict";
	const data = JSON.parse(document.getElementById("data").textContent);
	const wrong = new Set(data.wrong);
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
		redraw();
	});
	dark.addEventListener("change", function () { label(); redraw(); });

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
		all("figure.chart").forEach(draw);
	});
	addEventListener("afterprint", function () {
		for (const part of closed)
			part.open = false;
	});

	const charts = new Map();
	const colour = (name) => getComputedStyle(root).getPropertyValue("--" + name).trim();
	function seconds(ns) {
		for (const unit of ["ns", "µs", "ms"]) {
			if (ns < 1000)
				return Number(ns.toPrecision(3)) + " " + unit;
			ns /= 1000;
		}
		return Number(ns.toPrecision(3)) + " s";
	}
	const floorOf = (row) => row && row.ratio > 0 ? row.ns / row.ratio : null;

	/* A dashed line at the floor's time, across the chart. */
	const floorLine = {
		id: "floorLine",
		afterDatasetsDraw(chart, unused, options) {
			if (!options.at)
				return;
			const x = chart.scales.x.getPixelForValue(options.at), area = chart.chartArea, pen = chart.ctx;
			pen.save();
			pen.strokeStyle = pen.fillStyle = colour("ink");
			pen.setLineDash([4, 3]);
			pen.beginPath();
			pen.moveTo(x, area.top);
			pen.lineTo(x, area.bottom);
			pen.stroke();
			pen.font = "11px system-ui, sans-serif";
			pen.fillText("floor", x + 4, area.top + 10);
			pen.restore();
		},
	};

	function axis(title, more) {
		return Object.assign({
			title: { display: true, text: title, color: colour("soft") },
			ticks: { color: colour("soft") }, grid: { color: colour("line"), drawBorder: false },
		}, more);
	}
	const timeTicks = () => ({ color: colour("soft"), maxRotation: 0, callback: (value) => /^[125]e/.test(Number(value.toPrecision(6)).toExponential()) ? seconds(value) : "" });

	function base(type, more) {
		return {
			type, plugins: [floorLine],
			options: Object.assign({
				animation: false, responsive: true, maintainAspectRatio: false, color: colour("ink"),
				font: { family: "system-ui, sans-serif" },
			}, more),
		};
	}

	function costChart(key) {
		const family = key.split(" ")[0], operation = key.slice(family.length + 1);
		/* The same implementation on two machines is two bars. */
		const label = (row) => row.implementation + (row.host ? " on " + row.host : "");
		const rows = data.costs.filter((row) => row.family === family && row.operation === operation && row.ns);
		const threads = [...new Set(rows.map((row) => row.threads))].sort((a, b) => a - b);
		const shown = threads.filter((count) => rows.some((row) => row.threads === count && !row.oversubscribed)).slice(0, 3);
		if (!shown.length)
			shown.push(...threads.slice(0, 1));
		const last = shown[shown.length - 1];
		const at = (name, count) => rows.find((row) => label(row) === name && row.threads === count);
		const names = [...new Set(rows.map(label))]
			.sort((a, b) => ((at(a, last) || {}).ns || 0) - ((at(b, last) || {}).ns || 0));
		const tints = [colour("bar"), colour("accent"), colour("soft")];
		/* Each machine has a floor of its own: one line can only stand for one. */
		const floor = new Set(rows.map((row) => row.host)).size > 1 ? null : floorOf(rows.find((row) => row.threads === shown[0] && row.ratio > 0));
		const least = Math.min(...rows.filter((row) => shown.includes(row.threads)).map((row) => row.ns), floor || Infinity);
		const config = base("bar", {
			indexAxis: "y",
			scales: {
				x: axis("time per operation, logarithmic", { type: "logarithmic", min: least / 1.6, ticks: timeTicks() }),
				y: axis("", { title: { display: false }, grid: { display: false }, ticks: { color: colour("ink"), autoSkip: false } }),
			},
			plugins: {
				legend: { labels: { color: colour("ink"), boxWidth: 12 } },
				floorLine: { at: floor },
				tooltip: { callbacks: { label(item) {
					const row = at(names[item.dataIndex], shown[item.datasetIndex]);
					return item.dataset.label + ": " + seconds(row.ns) + (row.ratio ? ", ×" + Number(row.ratio.toPrecision(3)) + " the floor" : "");
				} } },
			},
		});
		config.data = {
			labels: names.map((name) => (wrong.has(family + "/" + name.split(" on ")[0]) ? "✗ " : "") + name),
			datasets: shown.map((count, i) => ({
				label: count + (count === 1 ? " thread" : " threads"), backgroundColor: tints[i],
				data: names.map((name) => (at(name, count) || {}).ns || null), barPercentage: .9, categoryPercentage: .78,
			})),
		};
		return { config, height: 86 + names.length * (12 + 11 * shown.length) };
	}

	function scalingChart(subject) {
		const rows = data.costs.filter((row) => row.subject === subject && row.ns);
		const threads = [...new Set(rows.map((row) => row.threads))].sort((a, b) => a - b);
		const tints = [colour("accent"), colour("stated"), colour("holds"), colour("unshown"), colour("soft")];
		const sets = [];
		const label = (row) => row.operation + (row.host ? " on " + row.host : "");
		const labels = [...new Set(rows.map(label))];
		labels.forEach(function (operation, i) {
			const at = (count) => rows.find((row) => label(row) === operation && row.threads === count);
			const tint = tints[i % tints.length];
			const shape = ["circle", "rect", "triangle", "rectRot", "star"][i % 5];
			sets.push({ label: operation, borderColor: tint, backgroundColor: tint, pointStyle: shape, pointRadius: 4, borderWidth: 2,
				data: threads.map((count) => (at(count) || {}).ns || null), spanGaps: true });
			if (threads.some((count) => floorOf(at(count))))
				sets.push({ label: operation + ": floor", borderColor: tint, backgroundColor: tint, borderDash: [4, 4], borderWidth: 1,
					pointRadius: 0, data: threads.map((count) => floorOf(at(count))), spanGaps: true });
		});
		const config = base("line", {
			scales: {
				x: axis("threads", { grid: { display: false } }),
				y: axis("time per operation", { type: "logarithmic", ticks: timeTicks() }),
			},
			plugins: {
				legend: { position: "bottom", labels: { color: colour("ink"), usePointStyle: true, boxWidth: 7, boxHeight: 7,
					filter: (item) => !item.text.endsWith(": floor") } },
				tooltip: { callbacks: { label: (item) => item.dataset.label + ": " + seconds(item.raw) } },
			},
		});
		config.data = { labels: threads, datasets: sets };
		return { config, height: 230 + 14 * Math.max(0, labels.length - 5) };
	}

	/* The size of model that most choices have, as in the table. */
	function usualModel() {
		const counts = new Map();
		for (const row of data.choices)
			counts.set(row.model_bytes, (counts.get(row.model_bytes) || 0) + 1);
		return [...counts].reduce((best, one) => one[1] > best[1] ? one : best, [0, 0])[0];
	}

	function throughputChart() {
		const usual = usualModel(), narrow = innerWidth < 700;
		const rows = data.choices.filter((row) => row.throughput > 0 && !row.item_cost_ns && (!row.swept || row.model_bytes === usual)).sort((a, b) => b.throughput - a.throughput).slice(0, 40);
		const flawed = (row) => row.flawed;
		const config = base("bar", {
			indexAxis: "y",
			scales: {
				x: axis("items per second"),
				y: axis("", { title: { display: false }, grid: { display: false }, ticks: { color: colour("ink"), autoSkip: false } }),
			},
			plugins: { legend: { display: false } },
		});
		config.data = {
			labels: rows.map(function (row) {
				const lines = [(flawed(row) ? "✗ " : "") + row.initialiser, row.counter, row.progress + (row.workers ? "" : ", serial")];
				return narrow ? lines.map((line, i) => line + (i < 2 ? " +" : "")) : lines.join(" + ");
			}),
			datasets: [{ label: "items per second", data: rows.map((row) => row.throughput),
				backgroundColor: rows.map((row) => colour(flawed(row) ? "bar-bad" : "bar")) }],
		};
		return rows.length ? { config, height: 60 + rows.length * (narrow ? 46 : 22) } : null;
	}

	function draw(figure) {
		if (charts.has(figure))
			return;
		const kind = figure.dataset.chart, key = figure.dataset.key;
		const made = kind === "cost" ? costChart(key) : kind === "scaling" ? scalingChart(key) : throughputChart();
		const box = figure.querySelector(".canvas");
		if (!made || !made.config.data.datasets.length) {
			figure.hidden = true;
			return;
		}
		box.style.height = made.height + "px";
		const canvas = element("canvas", {}, box);
		canvas.setAttribute("role", "img");
		canvas.setAttribute("aria-label", figure.querySelector("figcaption").textContent + "; the table beside it has the numbers");
		charts.set(figure, new Chart(canvas, made.config));
	}
	function redraw() {
		for (const [figure, chart] of charts) {
			chart.destroy();
			figure.querySelector("canvas").remove();
			charts.delete(figure);
			draw(figure);
		}
	}

	if (typeof Chart === "undefined")
		return;
	/* A chart in a closed part is drawn when the part is opened: before that it has no width. */
	for (const figure of all("figure.chart")) {
		figure.hidden = false;
		const part = figure.closest("details");
		if (part)
			part.addEventListener("toggle", () => part.open && draw(figure));
		if (!part || part.open)
			draw(figure);
	}
})();
