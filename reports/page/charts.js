/* SPDX-License-Identifier: MIT */
/* Charts of what the tables say. Without Chart.js, or without this script, the tables stand alone. */
(function () {
	"use strict";
	if (typeof Chart === "undefined")
		return;
	const data = JSON.parse(document.getElementById("data").textContent);
	const wrong = new Set(data.wrong), right = new Set(data.right);
	const root = document.documentElement;
	const all = (selector) => Array.from(document.querySelectorAll(selector));

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
	const machineOf = (host) => (data.machines.find((machine) => machine.key === host) || { label: host }).label;
	const plain = (row) => row.implementation.replace(/^peer_/, "");
	const floorOf = (row) => row && row.ratio > 0 ? row.ns / row.ratio : null;

	/* Lines carry their names at their ends, where there is room; the most telling first. */
	const endLabels = {
		id: "endLabels",
		afterDatasetsDraw(chart, unused, options) {
			if (!options.on)
				return;
			const pen = chart.ctx, area = chart.chartArea, taken = [];
			const sets = chart.data.datasets.map((set, i) => ({ set, meta: chart.getDatasetMeta(i) }))
				.filter(({ set, meta }) => set.rank !== undefined && !meta.hidden).sort((a, b) => a.set.rank - b.set.rank);
			pen.save();
			pen.font = "11px system-ui, sans-serif";
			pen.textBaseline = "middle";
			for (const { set, meta } of sets) {
				const last = meta.data.filter((point, i) => !point.skip && set.data[i] !== null).pop();
				if (!last || taken.some((y) => Math.abs(y - last.y) < 12) || last.y < area.top - 1 || last.y > area.bottom + 1)
					continue;
				taken.push(last.y);
				pen.fillStyle = set.borderColor;
				pen.fillText(set.label, Math.min(last.x, area.right) + 6, last.y);
			}
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
			type, plugins: [endLabels],
			options: Object.assign({
				animation: false, responsive: true, maintainAspectRatio: false, color: colour("ink"),
				font: { family: "system-ui, sans-serif" },
			}, more),
		};
	}

	/* How a line looks: the bug dashed, peers thin, right ones full. */
	function look(row, i) {
		const isWrong = wrong.has(row.subject), mine = right.has(row.subject);
		const tints = [colour("accent"), colour("holds"), colour("unshown"), colour("ink")];
		const tint = isWrong ? colour("stated") : row.peer ? colour("soft") : tints[i % tints.length];
		return { borderColor: tint, backgroundColor: tint, borderWidth: row.peer ? 1 : 1.8, borderDash: isWrong ? [6, 4] : row.peer ? [2, 2] : [],
			pointStyle: ["circle", "rect", "triangle", "rectRot", "star"][i % 5],
			rank: (row.implementation === "naive" ? 0 : mine && i === 0 ? 1 : isWrong ? 6 : row.peer ? 4 : 3) + i / 100 };
	}

	/* One line for each implementation on one machine, over threads; behind the cores' number the ground is shaded. */
	function threadsChart(key) {
		const [family, operation, host] = JSON.parse(key);
		const rows = data.costs.filter((row) => row.family === family && row.operation === operation && row.host === host && row.ns);
		const threads = [...new Set(rows.map((row) => row.threads))].sort((a, b) => a - b);
		const over = threads.filter((count) => rows.some((row) => row.threads === count && row.oversubscribed));
		const at = (subject, count) => rows.find((row) => row.subject === subject && row.threads === count);
		const main = threads.filter((count) => !over.includes(count)).pop() || threads[0];
		const subjects = [...new Set(rows.map((row) => row.subject))]
			.sort((a, b) => ((at(a, main) || {}).ns || Infinity) - ((at(b, main) || {}).ns || Infinity));
		const config = base("line", {
			layout: { padding: { right: 116 } },
			scales: {
				x: axis(over.length ? "threads; dotted line: as many as cores" : "threads", { type: "logarithmic",
					min: threads[0], max: threads[threads.length - 1], grid: { display: false },
					afterBuildTicks(scale) { scale.ticks = threads.map((value) => ({ value })); },
					ticks: { color: colour("soft"), callback: (value) => String(value) + (over.includes(value) ? "*" : "") } }),
				y: axis("time per operation", { type: "logarithmic", ticks: timeTicks() }),
			},
			plugins: {
				legend: { display: false }, endLabels: { on: true }, coresLine: { at: over.length ? main : null },
				tooltip: { callbacks: { title: (items) => items[0].parsed.x + " threads", label(item) {
					const row = at(item.dataset.subject, item.parsed.x);
					return item.dataset.label + ": " + seconds(row.ns) + (row.low ? " (" + seconds(row.low) + " to " + seconds(row.high) + ")" : "");
				} } },
			},
		});
		config.plugins.push(coresLine);
		config.data = { datasets: subjects.map((subject, i) => Object.assign({
			label: (wrong.has(subject) ? "✗ " : "") + plain(rows.find((row) => row.subject === subject)), subject, pointRadius: 3, spanGaps: true,
			data: threads.map((count) => at(subject, count)).filter(Boolean).map((row) => ({ x: row.threads, y: row.ns })),
		}, look(rows.find((row) => row.subject === subject), i))) };
		return { config, height: Math.min(520, 250 + 8 * subjects.length) };
	}

	/* A dotted line where there are as many threads as cores. */
	const coresLine = {
		id: "coresLine",
		beforeDatasetsDraw(chart, unused, options) {
			if (!options.at)
				return;
			const x = chart.scales.x.getPixelForValue(options.at), area = chart.chartArea, pen = chart.ctx;
			pen.save();
			pen.strokeStyle = colour("soft");
			pen.setLineDash([2, 3]);
			pen.beginPath();
			pen.moveTo(x, area.top);
			pen.lineTo(x, area.bottom);
			pen.stroke();
			pen.restore();
		},
	};

	/* Percentiles on the scale of nines, as HdrHistogram draws them. */
	function latencyChart(key) {
		const [family, operation, host, threads] = JSON.parse(key);
		const rows = data.distributions.filter((row) => row.family === family && row.operation === operation && row.host === host && row.threads === threads && row.curve.length)
			.sort((a, b) => a.p99 - b.p99);
		if (!rows.length)
			return null;
		const marks = [[0, "0"], [-Math.log10(.5), "50 %"], [1, "90 %"], [2, "99 %"], [3, "99.9 %"], [4, "99.99 %"], [5, "99.999 %"], [6, "99.9999 %"]];
		const most = Math.max(2, ...rows.map((row) => row.curve[row.curve.length - 1][0]));
		const config = base("line", {
			layout: { padding: { right: 116 } },
			scales: {
				x: axis("percentile", { type: "linear", min: 0, max: most, afterBuildTicks(scale) { scale.ticks = marks.filter((mark) => mark[0] <= most).map((mark) => ({ value: mark[0] })); },
					ticks: { color: colour("soft"), callback: (value) => (marks.find((mark) => mark[0] === value) || [0, ""])[1] } }),
				y: axis("time of an operation", { type: "logarithmic", ticks: timeTicks() }),
			},
			plugins: {
				legend: { display: false }, endLabels: { on: true },
				tooltip: { callbacks: { title: (items) => (100 - 100 * Math.pow(10, -items[0].parsed.x)).toPrecision(6).replace(/\.?0+$/, "") + " % of operations",
					label: (item) => item.dataset.label + ": at most " + seconds(item.parsed.y) } },
			},
		});
		config.data = { datasets: rows.map((row, i) => Object.assign({
			label: (wrong.has(row.subject) ? "✗ " : "") + plain(row), data: row.curve.map(([x, y]) => ({ x, y })), pointRadius: 0, stepped: "after",
		}, look(row, i))) };
		return { config, height: 320 };
	}

	/* What is drawn of a study: lines of [x, y] in ns or shares, both logarithmic. */
	function studyChart(lines, titleX, titleY, ticksY, tip, height) {
		const config = base("line", {
			scales: {
				x: axis(titleX, { type: "logarithmic", ticks: timeTicks(), grid: { display: false } }),
				y: axis(titleY, { type: "logarithmic", ticks: ticksY }),
			},
			plugins: {
				legend: { position: "bottom", align: "start", labels: { color: colour("ink"), usePointStyle: true, boxWidth: 7, boxHeight: 7, padding: 8 } },
				tooltip: { callbacks: { title: (items) => seconds(items[0].parsed.x), label: tip } },
			},
		});
		const tints = ["accent", "holds", "unshown", "ink", "soft"];
		config.data = { datasets: lines.map((line, i) => Object.assign({
			label: line.label, data: line.points, pointRadius: 2, borderWidth: 1.8, borderColor: colour(line.tint || tints[i % tints.length]),
			backgroundColor: colour(line.tint || tints[i % tints.length]), rank: i, borderDash: line.dash || [], pointStyle: ["circle", "rect", "triangle", "rectRot", "star"][i % 5],
		}, line.more)) };
		return lines.length ? { config, height } : null;
	}

	/* A choice may cost nothing that can be measured; on a logarithmic scale that is as little as a tenth of a per cent. */
	function crossingsChart(host) {
		const study = (data.machines.find((machine) => machine.key === host) || {}).crossings || { choices: [] }, least = .001;
		const lines = study.choices.filter((choice) => (choice.points || []).length).map((choice) => ({
			label: choice.choice + (study.choices.some((other) => other.choice === choice.choice && other.threads !== choice.threads) ? ", " + choice.threads : ""),
			dash: wrong.has("counter/" + choice.choice.split("+")[1]) ? [6, 4] : [], tint: wrong.has("counter/" + choice.choice.split("+")[1]) ? "stated" : undefined,
			points: choice.points.map((point) => ({ x: point.item_ns, y: Math.max(least, point.overhead) })),
		}));
		const xs = lines.flatMap((line) => line.points.map((point) => point.x));
		if (lines.length)
			lines.push({ label: 100 * study.limit + " %", tint: "soft", dash: [2, 3], more: { pointRadius: 0, borderWidth: 1, rank: -1 },
				points: [{ x: Math.min(...xs), y: study.limit }, { x: Math.max(...xs), y: study.limit }] });
		const share = (value) => Number((100 * value).toPrecision(2)) + " %";
		return studyChart(lines, "cost of an item", "added to the batch", { color: colour("soft"), callback: (value) => /^1e/.test(Number(value.toPrecision(6)).toExponential()) ? share(value) : "" },
			(item) => item.dataset.label + ": " + (item.parsed.y <= least ? "at most " : "") + share(item.parsed.y), 380);
	}

	function firstUseChart(host) {
		const study = (data.machines.find((machine) => machine.key === host) || {}).first_use || { choices: [] };
		const lines = study.choices.filter((choice) => (choice.points || []).length).map((choice) => ({
			label: (wrong.has("initialiser/" + choice.initialiser) ? "✗ " : "") + choice.initialiser.replace(/^peer_/, ""),
			dash: wrong.has("initialiser/" + choice.initialiser) ? [6, 4] : [],
			tint: wrong.has("initialiser/" + choice.initialiser) ? "stated" : undefined,
			points: choice.points.map((point) => ({ x: point.load_ns, y: point.all_have_ns })),
		}));
		return studyChart(lines, "the model loads for", "until all workers run", timeTicks(), (item) => item.dataset.label + ": " + seconds(item.parsed.y), 400);
	}

	function scalingChart(subject) {
		const rows = data.costs.filter((row) => row.subject === subject && row.ns);
		const threads = [...new Set(rows.map((row) => row.threads))].sort((a, b) => a - b);
		const tints = [colour("accent"), colour("stated"), colour("holds"), colour("unshown"), colour("soft")];
		const sets = [];
		const label = (row) => row.operation + (machineOf(row.host) ? " on " + machineOf(row.host) : "");
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

	const kinds = { threads: threadsChart, latency: latencyChart, crossings: crossingsChart, first_use: firstUseChart, scaling: scalingChart, throughput: throughputChart };

	function draw(figure) {
		if (charts.has(figure))
			return;
		const kind = figure.dataset.chart, key = figure.dataset.key;
		const made = kinds[kind](key);
		const box = figure.querySelector(".canvas");
		if (!made || !made.config.data.datasets.length) {
			figure.hidden = true;
			return;
		}
		box.style.height = made.height + "px";
		const canvas = document.createElement("canvas");
		box.append(canvas);
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

	/* A chart in a closed part is drawn when the part is opened: before that it has no width. */
	for (const figure of all("figure.chart")) {
		figure.hidden = false;
		const part = figure.closest("details");
		if (part)
			part.addEventListener("toggle", () => part.open && draw(figure));
		if (!part || part.open)
			draw(figure);
	}
	document.addEventListener("recolour", redraw);
	document.addEventListener("drawall", () => all("figure.chart").forEach(draw));
})();
