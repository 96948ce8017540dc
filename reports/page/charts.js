/* SPDX-License-Identifier: MIT */
/* Charts of what the tables say. Without Chart.js, or without this script, the tables stand alone. */
(function () {
	"use strict";
	if (typeof Chart === "undefined")
		return;
	const data = JSON.parse(document.getElementById("data").textContent);
	const wrong = new Set(data.wrong);
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

	/* Lines carry their names at the right; the most telling first. Lines that end together share a name, "once +7": so many more end there.
	 * What has to be seen (a rank below 1: the bug and the headers) moves up or down for a place of its own. */
	const LABEL = "11px system-ui, sans-serif", APART = 12;
	const endLabels = {
		id: "endLabels",
		afterDatasetsDraw(chart, unused, options) {
			if (!options.on)
				return;
			const pen = chart.ctx, area = chart.chartArea, taken = [];
			const sets = chart.data.datasets.map((set, i) => ({ set, meta: chart.getDatasetMeta(i) }))
				.filter(({ set, meta }) => set.rank !== undefined && !meta.hidden).sort((a, b) => a.set.rank - b.set.rank);
			const free = (y) => y > area.top - 4 && y < area.bottom + 4 && taken.every((other) => Math.abs(other.y - y) >= APART);
			for (const { set, meta } of sets) {
				const last = meta.data.filter((point, i) => !point.skip && set.data[i] !== null).pop();
				if (!last || last.y < area.top - 1 || last.y > area.bottom + 1)
					continue;
				const near = taken.find((other) => Math.abs(other.last.y - last.y) < APART);
				const beside = taken.filter((other) => Math.abs(other.y - last.y) < APART).flatMap((other) => [other.y + APART, other.y - APART])
					.sort((a, b) => Math.abs(a - last.y) - Math.abs(b - last.y));
				const y = [last.y, ...(set.rank < 1 || !near ? beside : [])].find(free);
				if (y !== undefined)
					taken.push({ y, last, set, more: 0 });
				else if (near)
					near.more++;
			}
			pen.save();
			pen.font = LABEL;
			pen.textBaseline = "middle";
			for (const { y, last, set, more } of taken) {
				pen.strokeStyle = pen.fillStyle = set.borderColor;
				pen.lineWidth = 0.6;
				if (last.x < area.right - 2 || Math.abs(y - last.y) > 3) {
					pen.beginPath();
					pen.moveTo(last.x + 3, last.y);
					pen.lineTo(area.right + 5, y);
					pen.stroke();
				}
				pen.fillText(fitted(pen, set.label, more ? " +" + more : "", chart.width - area.right - 8), area.right + 7, y);
			}
			pen.restore();
		},
	};
	/* NAME, cut where it and MORE need more than WIDTH. */
	function fitted(pen, name, more, width) {
		let text = name + more;
		for (let length = name.length - 1; length > 1 && pen.measureText(text).width > width; length--)
			text = name.slice(0, length) + "…" + more;
		return text;
	}
	function textWidth(text) {
		const pen = document.createElement("canvas").getContext("2d");
		pen.font = LABEL;
		return pen.measureText(text).width;
	}
	/* The room that the names of LABELS need at the right of a chart of WIDTH; it leaves most of it to the lines. */
	const labelRoom = (labels, width) => Math.min(0.36 * width, 250, 38 + Math.max(0, ...labels.map(textWidth)));
	/* Of curves in order, each has another mark and colour than the last; no two the same up to 20. */
	const SHAPES = ["circle", "rect", "triangle", "rectRot", "star"];
	const shapeOf = (i) => SHAPES[(i + Math.floor(i / SHAPES.length)) % SHAPES.length];

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
		const isWrong = wrong.has(row.subject), header = ["once", "tally", "teller", "once+tally+teller"].includes(row.implementation);
		const tints = [colour("accent"), colour("holds"), colour("unshown"), colour("ink")];
		const tint = isWrong ? colour("stated") : row.peer ? colour("soft") : tints[i % tints.length];
		return { borderColor: tint, backgroundColor: tint, borderWidth: row.peer ? 1 : 1.8, borderDash: isWrong ? [6, 4] : row.peer ? [2, 2] : [],
			pointStyle: shapeOf(i), clip: 6,
			rank: (row.implementation === "naive" ? 0 : header ? 0.5 : isWrong ? 6 : row.peer ? 4 : 3) + i / 1000 };
	}

	/* One line for each implementation on one machine, over threads; behind the cores' number the ground is shaded. */
	function threadsChart(key, width) {
		const [family, operation, host] = JSON.parse(key);
		const rows = data.costs.filter((row) => row.family === family && row.operation === operation && row.host === host && row.ns);
		const threads = [...new Set(rows.map((row) => row.threads))].sort((a, b) => a - b);
		const over = threads.filter((count) => rows.some((row) => row.threads === count && row.oversubscribed));
		const at = (subject, count) => rows.find((row) => row.subject === subject && row.threads === count);
		const main = threads.filter((count) => !over.includes(count)).pop() || threads[0];
		const subjects = [...new Set(rows.map((row) => row.subject))]
			.sort((a, b) => ((at(a, main) || {}).ns || Infinity) - ((at(b, main) || {}).ns || Infinity));
		const named = (subject) => (wrong.has(subject) ? "✗ " : "") + plain(rows.find((row) => row.subject === subject));
		const config = base("line", {
			layout: { padding: { right: labelRoom(subjects.map(named), width) } },
			scales: {
				x: axis(over.length && width > 500 ? "threads; dotted line: as many as cores, * more" : over.length ? "threads, * > cores" : "threads", { type: "logarithmic",
					min: threads[0], max: threads[threads.length - 1], grid: { display: false },
					afterBuildTicks(scale) { scale.ticks = threads.map((value) => ({ value })); },
					ticks: { color: colour("soft"), callback: (value) => String(value) + (over.includes(value) ? "*" : "") } }),
				y: axis("time per operation", { type: "logarithmic", ticks: timeTicks() }),
			},
			plugins: {
				legend: { display: false }, endLabels: { on: true }, coresLine: { at: over.length ? main : null },
				tooltip: { callbacks: { title: (items) => items[0].parsed.x + (items[0].parsed.x === 1 ? " thread" : " threads"), label(item) {
					const row = at(item.dataset.subject, item.parsed.x);
					return item.dataset.label + ": " + seconds(row.ns) + (row.low ? " (" + seconds(row.low) + " to " + seconds(row.high) + ")" : "");
				} } },
			},
		});
		config.plugins.push(coresLine);
		config.data = { datasets: subjects.map((subject, i) => Object.assign({
			label: named(subject), subject, pointRadius: 3, spanGaps: true,
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
	function latencyChart(key, width) {
		const [family, operation, host, threads] = JSON.parse(key);
		const rows = data.distributions.filter((row) => row.family === family && row.operation === operation && row.host === host && row.threads === threads && row.curve.length)
			.sort((a, b) => a.p99 - b.p99);
		if (!rows.length)
			return null;
		const marks = [[0, "0"], [-Math.log10(.5), "50 %"], [1, "90 %"], [2, "99 %"], [3, "99.9 %"], [4, "99.99 %"], [5, "99.999 %"], [6, "99.9999 %"]];
		const most = Math.max(2, ...rows.map((row) => row.curve[row.curve.length - 1][0]));
		const named = (row) => (wrong.has(row.subject) ? "✗ " : "") + plain(row);
		const room = labelRoom(rows.map(named), width);
		/* Of the marks those that have room for their names; an axis has larger letters than a label. */
		function roomy(chart) {
			const nine = (chart.width - room - 60) / most;
			let end = -Infinity;
			return marks.filter(function (mark) {
				const half = 0.55 * textWidth(mark[1]) + 5;
				if (mark[0] > most || mark[0] * nine - half < end)
					return false;
				end = mark[0] * nine + half;
				return true;
			});
		}
		const config = base("line", {
			layout: { padding: { right: room } },
			scales: {
				x: axis(width - room > 300 ? "share of operations that took no longer" : "took no longer", { type: "linear", min: 0, max: most, afterBuildTicks(scale) { scale.ticks = roomy(scale.chart).map((mark) => ({ value: mark[0] })); },
					ticks: { color: colour("soft"), maxRotation: 0, autoSkip: false, callback: (value) => (marks.find((mark) => mark[0] === value) || [0, ""])[1] } }),
				y: axis("time of an operation", { type: "logarithmic", ticks: timeTicks() }),
			},
			plugins: {
				legend: { display: false }, endLabels: { on: true },
				tooltip: { callbacks: { title: (items) => (100 - 100 * Math.pow(10, -items[0].parsed.x)).toPrecision(6).replace(/\.?0+$/, "") + " % of operations",
					label: (item) => item.dataset.label + ": at most " + seconds(item.parsed.y) } },
			},
		});
		config.data = { datasets: rows.map((row, i) => Object.assign({
			label: named(row), data: row.curve.map(([x, y]) => ({ x, y })), pointRadius: 0, stepped: "after",
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
			backgroundColor: colour(line.tint || tints[i % tints.length]), rank: i, borderDash: line.dash || [], pointStyle: shapeOf(i), clip: 6,
		}, line.more)) };
		return lines.length ? { config, height } : null;
	}

	/* A choice may cost nothing that can be measured; on a logarithmic scale that is as little as a tenth of a per cent. */
	function crossingsChart(host) {
		const study = (data.machines.find((machine) => machine.key === host) || {}).crossings || { choices: [] }, least = .001;
		/* One number of workers, the largest: the table has the others. */
		const workers = Math.max(0, ...study.choices.map((choice) => choice.threads || 0));
		const lines = study.choices.filter((choice) => (choice.points || []).length && (choice.threads || 0) === workers).map((choice) => ({
			label: choice.choice,
			dash: wrong.has("counter/" + choice.choice.split("+")[1]) ? [6, 4] : [], tint: wrong.has("counter/" + choice.choice.split("+")[1]) ? "stated" : undefined,
			points: choice.points.map((point) => ({ x: point.item_ns, y: Math.max(least, point.overhead) })),
		}));
		const xs = lines.flatMap((line) => line.points.map((point) => point.x));
		if (lines.length)
			lines.push({ label: "the limit, " + 100 * study.limit + " %", tint: "soft", dash: [2, 3], more: { pointRadius: 0, borderWidth: 1, rank: -1, pointStyle: "line" },
				points: [{ x: Math.min(...xs), y: study.limit }, { x: Math.max(...xs), y: study.limit }] });
		const share = (value) => Number((100 * value).toPrecision(2)) + " %";
		return studyChart(lines, "cost of an item", "added to the batch" + (workers ? ", " + workers + (workers === 1 ? " worker" : " workers") : ""),
			{ color: colour("soft"), callback: (value) => /^1e/.test(Number(value.toPrecision(6)).toExponential()) ? (value <= least ? "≤ " : "") + share(value) : "" },
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
		/* A curve takes two points; what was measured with one number of threads is in the table. */
		const labels = [...new Set(rows.map(label))].filter((one) => new Set(rows.filter((row) => label(row) === one).map((row) => row.threads)).size > 1);
		labels.forEach(function (operation, i) {
			const at = (count) => rows.find((row) => label(row) === operation && row.threads === count);
			const tint = tints[i % tints.length];
			const shape = shapeOf(i);
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

	/* From the least to the most of the batches, a thin line on each bar. */
	const spread = {
		id: "spread",
		afterDatasetsDraw(chart, unused, options) {
			const pen = chart.ctx, x = chart.scales.x;
			pen.save();
			pen.strokeStyle = colour("ink");
			pen.beginPath();
			chart.getDatasetMeta(0).data.forEach(function (bar, i) {
				const [least, most] = (options.ends || [])[i] || [];
				if (!(least > 0))
					return;
				pen.moveTo(x.getPixelForValue(least), bar.y);
				pen.lineTo(x.getPixelForValue(most), bar.y);
			});
			pen.stroke();
			pen.restore();
		},
	};

	function throughputChart() {
		const usual = usualModel(), narrow = innerWidth < 700;
		const rows = data.choices.filter((row) => row.throughput > 0 && !row.item_cost_ns && (!row.swept || row.model_bytes === usual)).sort((a, b) => b.throughput - a.throughput).slice(0, 40);
		const flawed = (row) => row.flawed;
		const config = base("bar", {
			indexAxis: "y",
			scales: {
				x: axis(narrow ? "items per second; line: spread" : "items per second: median of the batches; line: the least to the most of them",
					{ suggestedMax: Math.max(0, ...rows.map((row) => row.throughput_most || row.throughput)) }),
				y: axis("", { title: { display: false }, grid: { display: false }, ticks: { color: colour("ink"), autoSkip: false } }),
			},
			plugins: { legend: { display: false }, spread: { ends: rows.map((row) => [row.throughput_least, row.throughput_most]) }, tooltip: { callbacks: { label(item) {
				const row = rows[item.dataIndex], count = (value) => Math.round(value).toLocaleString("en");
				return count(row.throughput) + (row.throughput_least ? " (" + count(row.throughput_least) + " to " + count(row.throughput_most) + ")" : "");
			} } } },
		});
		config.plugins.push(spread);
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
		const box = figure.querySelector(".canvas");
		const made = kinds[kind](key, box.clientWidth);
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
	for (const figure of all("figure.chart"))
		figure.hidden = false;
	for (const figure of all("figure.chart")) {
		const part = figure.closest("details");
		if (part)
			part.addEventListener("toggle", () => part.open && draw(figure));
		if (!part || part.open)
			draw(figure);
	}
	document.addEventListener("recolour", redraw);
	document.addEventListener("drawall", () => all("figure.chart").forEach(draw));
})();
