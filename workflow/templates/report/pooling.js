// The model `bayes` for any selection of studies. The page holds the log prior and each study's log likelihood on one
// grid of (τ, μ), both axes centre + width × sinh(t) for evenly spaced t; a selection is their sum. The sum is smooth:
// it is carried to a finer grid by polynomials, and the trapezoidal rule and distribution functions do the rest.
"use strict";
const pooling = (() => {
  const FINER = { tau: 3, mu: 5 }; // steps into which one of the grid is cut
  const NEIGHBOURS = 6; // points that a polynomial goes through
  const NOTHING = 1e-7; // of the largest probability: what is not looked at
  const NARROW = 0.3; // steps of μ: a new study that varies less is as wide as the step
  const range = (n) => Array.from({ length: n }, (_, i) => i);

  const decode = (text, deep) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)), view = new DataView(bytes.buffer);
    return Float64Array.from({ length: bytes.length / 2 }, (_, i) => -deep * (view.getUint16(2 * i, true) / 65535) ** 2);
  };
  const axis = ({ centre, width, first, last, points }, times) => {
    const n = (points - 1) * times + 1, step = (last - first) / (n - 1);
    const x = (t) => centre + width * Math.sinh(t);
    return { x, n, step, first, points: Float64Array.from({ length: n }, (_, i) => x(first + step * i)) };
  };
  // For each point of a finer axis, its neighbours and their weights (Lagrange); `even`: mirrored at the first point.
  const carry = (points, times, even) => range((points - 1) * times + 1).map((i) => {
    const at = i / times, least = even ? -points : 0;
    const start = Math.min(points - NEIGHBOURS, Math.max(least, Math.floor(at) - NEIGHBOURS / 2 + 1));
    const near = range(NEIGHBOURS).map((j) => start + j);
    return near.map((one) => [Math.abs(one), near.reduce((w, other) => (other === one ? w : w * (at - other) / (one - other)), 1)]);
  });
  // Φ, by the complementary error function of Numerical Recipes (Press et al., 2nd ed., 6.2), to 1e-7.
  const normal = (z) => {
    const y = Math.abs(z) / Math.SQRT2, t = 1 / (1 + y / 2);
    const series = [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368];
    const tail = (t / 2) * Math.exp(series.reduce((sum, one) => sum * t + one, 0) * t - 1.26551223 - y * y);
    return z > 0 ? 1 - tail : tail;
  };
  // Where a distribution function reaches p, in evenly spaced t: steps are integrated through four points, and the
  // density inside one is linear.
  const quantile = (density, p, { first, step }) => {
    const d = (i) => density[i] || 0, part = (i) => Math.max(0, 13 * (d(i) + d(i + 1)) - d(i - 1) - d(i + 2)) / 24;
    let i = 0, left = p * range(density.length - 1).reduce((sum, one) => sum + part(one), 0);
    while (i < density.length - 2 && part(i) < left) { left -= part(i); i += 1; }
    const a = d(i), b = d(i + 1), area = (left * (a + b)) / 2 / part(i);
    return first + step * (i + (2 * area) / (a + Math.sqrt(Math.max(0, a * a + 2 * (b - a) * area))));
  };

  // Make ready the grid of an analysis: axes, tables, and what carries them further.
  const open = (grid) => ({
    tau: axis(grid.tau, FINER.tau), mu: axis(grid.mu, FINER.mu), columns: grid.mu.points, rows: grid.tau.points,
    far: carry(grid.tau.points, FINER.tau, true), wide: carry(grid.mu.points, FINER.mu, false),
    prior: decode(grid.prior, grid.deep), studies: grid.studies.map((study) => decode(study.table, grid.deep)),
  });
  // The posterior density in the stretched coordinates, a row for each τ.
  const posterior = ({ tau, mu, columns, rows, far, wide, prior, studies }, places) => {
    const log = Float64Array.from(prior);
    for (const place of places) studies[place].forEach((value, i) => { log[i] += value; });
    const half = range(rows).map((row) => wide.map((near) => near.reduce((sum, [j, w]) => sum + w * log[row * columns + j], 0)));
    const fine = far.map((near) => Float64Array.from({ length: mu.n }, (_, j) => near.reduce((sum, [i, w]) => sum + w * half[i][j], 0)));
    const top = fine.reduce((most, row) => row.reduce((a, b) => Math.max(a, b), most), -Infinity);
    return fine.map((row, i) => row.map((value) => Math.exp(value - top) * (i && i < tau.n - 1 ? 1 : 0.5)));
  };
  // Give μ (median and ends), a new study's ends and the median of τ², of the studies at some places.
  const pool = (opened, places, level) => {
    const { tau, mu } = opened, mass = posterior(opened, places), tail = (1 - level) / 2;
    const inMu = Float64Array.from({ length: mu.n }, (_, j) => mass.reduce((sum, row) => sum + row[j], 0));
    const half = mass.map((row, i) => row.reduce((sum, one) => sum + one, 0) * (i && i < tau.n - 1 ? 1 : 2));
    const inTau = [...half.slice(1).reverse(), ...half]; // even: the median of τ is the upper quartile of both halves
    const total = inMu.reduce((sum, one) => sum + one, 0), kept = [];
    mass.forEach((row, i) => row.forEach((one, j) => {
      const step = (mu.points[Math.min(j + 1, mu.n - 1)] - mu.points[Math.max(j - 1, 0)]) / 2;
      if (one > NOTHING) kept.push([one / total, mu.points[j], Math.max(tau.points[i], NARROW * step)]);
    }));
    const sum = kept.reduce((all, [one]) => all + one, 0);
    const reach = 8 * tau.points[tau.n - 1];
    const further = (p) => {
      let low = mu.points[0] - reach, high = mu.points[mu.n - 1] + reach;
      while (high - low > 1e-5) {
        const x = (low + high) / 2;
        if (kept.reduce((all, [one, centre, spread]) => all + one * normal((x - centre) / spread), 0) < p * sum) low = x; else high = x;
      }
      return (low + high) / 2;
    };
    const expit = (x) => 1 / (1 + Math.exp(-x));
    const [estimate, low, high] = [0.5, tail, 1 - tail].map((p) => expit(mu.x(quantile(inMu, p, mu))));
    return { estimate, low, high, from: expit(further(tail)), to: expit(further(1 - tail)), tau2: tau.x(quantile(inTau, 0.75, { first: -tau.step * (tau.n - 1), step: tau.step })) ** 2 };
  };
  return { open, pool };
})();
