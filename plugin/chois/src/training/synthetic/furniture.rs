//! How things are built of blocks and posts: each of a width (x), depth (y) and height (z) in metres, the rest by chance.

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use super::solid::Solid;

fn between(rng: &mut impl Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * rng.random::<f32>()
}

/// A post that stands upright, round or square.
fn leg(s: &mut Solid, at: [f32; 2], foot: [f32; 2], bottom: f32, top: f32, r: f32, sides: u32) {
    s.post(
        [foot[0], foot[1], bottom],
        [at[0], at[1], top],
        [r, r],
        sides,
    );
}

pub(super) fn cabinet(s: &mut Solid, w: f32, d: f32, h: f32, rng: &mut impl Rng) {
    s.block([0.0, 0.0, h / 2.0], [w, d, h]);
    // A lid that stands out, or a plinth.
    match rng.random_range(0..3) {
        0 => {
            let lid = between(rng, 0.04, 0.08);
            s.block([0.0, 0.0, h - lid / 2.0], [w + 0.02, d + 0.02, lid]);
        }
        1 => {
            s.block([0.0, 0.0, 0.015], [w + 0.015, d + 0.015, 0.03]);
        }
        _ => {}
    }
}

pub(super) fn tub(s: &mut Solid, w: f32, d: f32, h: f32, rng: &mut impl Rng) {
    let wall = between(rng, 0.012, 0.025);
    s.block([0.0, 0.0, wall / 2.0], [w, d, wall]);
    for side in [-1.0, 1.0] {
        s.block([side * (w - wall) / 2.0, 0.0, h / 2.0], [wall, d, h]);
        s.block([0.0, side * (d - wall) / 2.0, h / 2.0], [w, wall, h]);
    }
    if rng.random_bool(0.5) {
        let rim = between(rng, 0.02, 0.04);
        for side in [-1.0, 1.0] {
            s.block([side * w / 2.0, 0.0, h - 0.01], [rim, d + rim, 0.02]);
            s.block([0.0, side * d / 2.0, h - 0.01], [w + rim, rim, 0.02]);
        }
    }
    if rng.random_bool(0.35) {
        s.block([0.0, 0.0, h - 0.012], [w, d, 0.024]);
    }
}

pub(super) fn bin(s: &mut Solid, w: f32, d: f32, h: f32, rng: &mut impl Rng) {
    let r = w.min(d) / 2.0;
    let sides = *[4, 6, 8, 10, 12].choose(rng).unwrap_or(&8);
    let taper = between(rng, 0.7, 1.0);
    s.post([0.0; 3], [0.0, 0.0, h], [r * taper, r], sides);
    if rng.random_bool(0.5) {
        s.post(
            [0.0, 0.0, h - 0.03],
            [0.0, 0.0, h],
            [r * 1.06, r * 1.06],
            sides,
        );
    }
    if rng.random_bool(0.3) {
        s.post(
            [0.0, 0.0, h],
            [0.0, 0.0, h + 0.06],
            [r * 1.05, r * 0.6],
            sides,
        );
    }
}

pub(super) fn suitcase(s: &mut Solid, w: f32, d: f32, h: f32, rng: &mut impl Rng) {
    let wheels = rng.random_bool(0.6);
    let foot = if wheels { 0.04 } else { 0.012 };
    let handle = between(rng, 0.04, 0.1);
    let body = h - foot - handle;
    s.block([0.0, 0.0, foot + body / 2.0], [w, d, body]);
    for (x, y) in [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)] {
        s.block(
            [x * (w / 2.0 - 0.04), y * (d / 2.0 - 0.04), foot / 2.0],
            [0.035, 0.035, foot],
        );
    }
    let half = between(rng, 0.07, 0.11).min(w / 2.0 - 0.03);
    let thick = 0.011;
    for side in [-1.0, 1.0] {
        s.block(
            [side * half, 0.0, h - handle / 2.0],
            [2.0 * thick, 2.0 * thick, handle],
        );
    }
    s.post(
        [-half, 0.0, h - thick],
        [half, 0.0, h - thick],
        [0.014, 0.014],
        8,
    );
}

pub(super) fn table(s: &mut Solid, w: f32, d: f32, h: f32, rng: &mut impl Rng) {
    let top = between(rng, 0.018, 0.05);
    let round = rng.random_bool(0.15) && w / d < 1.5;
    if round {
        s.post([0.0, 0.0, h - top], [0.0, 0.0, h], [w / 2.0, w / 2.0], 16);
    } else {
        s.block([0.0, 0.0, h - top / 2.0], [w, d, top]);
    }
    let under = h - top;
    match rng.random_range(0..10) {
        // Side panels.
        0 | 1 => {
            let thick = between(rng, 0.018, 0.04);
            for side in [-1.0, 1.0] {
                s.block(
                    [side * (w / 2.0 - 0.05), 0.0, under / 2.0],
                    [thick, d * 0.9, under],
                );
            }
            if rng.random_bool(0.5) {
                s.block(
                    [0.0, -d * 0.3, under * 0.75],
                    [w - 0.1, thick, under * 0.35],
                );
            }
        }
        // One foot.
        2 => {
            let r = between(rng, 0.03, 0.05);
            s.post([0.0, 0.0, 0.02], [0.0, 0.0, under], [r, r], 8);
            s.block([0.0, 0.0, 0.015], [w * 0.6, d * 0.6, 0.03]);
        }
        _ => {
            let r = between(rng, 0.016, 0.035);
            let sides = if rng.random_bool(0.6) { 4 } else { 8 };
            let inset = if round {
                w * 0.2
            } else {
                between(rng, 0.03, 0.09)
            };
            let splay = if rng.random_bool(0.3) { 0.04 } else { 0.0 };
            let (x, y) = (w / 2.0 - inset, d / 2.0 - inset);
            for (i, j) in [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)] {
                let foot = [
                    i * (x + splay).min(w / 2.0 - r),
                    j * (y + splay).min(d / 2.0 - r),
                ];
                leg(s, [i * x, j * y], foot, 0.0, under, r, sides);
            }
            if rng.random_bool(0.5) && !round {
                let apron = between(rng, 0.04, 0.1);
                let z = under - apron / 2.0;
                for side in [-1.0, 1.0] {
                    s.block([0.0, side * y, z], [2.0 * x, 0.02, apron]);
                    s.block([side * x, 0.0, z], [0.02, 2.0 * y, apron]);
                }
            }
            if rng.random_bool(0.2) && !round {
                s.block([0.0, 0.0, under * 0.3], [2.0 * x, 2.0 * y, 0.02]);
            }
        }
    }
}

pub(super) fn chair(s: &mut Solid, w: f32, d: f32, h: f32, rng: &mut impl Rng) {
    let seat = (h * between(rng, 0.46, 0.54)).clamp(0.3, 0.55);
    let thick = between(rng, 0.02, 0.05);
    let r = between(rng, 0.014, 0.024);
    let sides = if rng.random_bool(0.5) { 4 } else { 8 };
    s.block([0.0, 0.0, seat - thick / 2.0], [w, d, thick]);
    let (x, y) = (w / 2.0 - r - 0.01, d / 2.0 - r - 0.01);
    for (i, j) in [(-1.0, 1.0), (1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)] {
        leg(
            s,
            [i * x, j * y],
            [i * x, j * y],
            0.0,
            seat - thick / 2.0,
            r,
            sides,
        );
    }
    if rng.random_bool(0.4) {
        for side in [-1.0, 1.0] {
            s.block([side * x, 0.0, seat * 0.4], [0.02, 2.0 * y, 0.025]);
        }
    }
    let lean = between(rng, 0.0, 0.05);
    let solid = rng.random_bool(0.4);
    for side in [-1.0, 1.0] {
        s.post(
            [side * x, -y, seat - thick],
            [side * x, -y - lean, h],
            [r, r],
            sides,
        );
    }
    if solid {
        let low = seat + between(rng, 0.06, 0.15);
        let t = (low - seat) / (h - seat);
        s.block(
            [0.0, -y - lean * (1.0 + t) / 2.0, (low + h) / 2.0],
            [2.0 * x, 0.02 + lean * (1.0 - t) * 0.3, h - low],
        );
    } else {
        let bars = rng.random_range(2..5);
        for k in 0..bars {
            let t = 1.0 - k as f32 * 0.8 / bars as f32;
            let z = seat + (h - seat) * t - 0.03;
            s.block([0.0, -y - lean * t, z], [2.0 * x, 0.022, 0.055]);
        }
    }
    if rng.random_bool(0.2) {
        for side in [-1.0, 1.0] {
            let z = seat + 0.2;
            s.block(
                [side * (w / 2.0 - 0.02), 0.0, z],
                [0.045, d - 2.0 * r, 0.025],
            );
            s.block(
                [side * (w / 2.0 - 0.02), y, (seat + z) / 2.0],
                [0.03, 0.03, 0.2],
            );
        }
    }
}

pub(super) fn stool(s: &mut Solid, w: f32, d: f32, h: f32, rng: &mut impl Rng) {
    let thick = between(rng, 0.025, 0.07);
    let round = rng.random_bool(0.5);
    let r = w.min(d) / 2.0;
    if round {
        s.post([0.0, 0.0, h - thick], [0.0, 0.0, h], [r, r], 14);
    } else {
        s.block([0.0, 0.0, h - thick / 2.0], [w, d, thick]);
    }
    let legs = if rng.random_bool(0.3) { 3 } else { 4 };
    let (inner, outer) = (r * between(rng, 0.5, 0.75), r * 0.92);
    let thin = between(rng, 0.013, 0.022);
    let mut ring = Vec::new();
    for k in 0..legs {
        let (sin, cos) = ((k as f32 + 0.5) * std::f32::consts::TAU / legs as f32).sin_cos();
        s.post(
            [outer * cos, outer * sin, 0.0],
            [inner * cos, inner * sin, h - thick],
            [thin, thin],
            8,
        );
        let t = 0.3;
        let at = outer + (inner - outer) * t;
        ring.push([at * cos, at * sin, (h - thick) * t]);
    }
    if rng.random_bool(0.6) {
        for k in 0..ring.len() {
            s.post(ring[k], ring[(k + 1) % ring.len()], [0.01, 0.01], 6);
        }
    }
}

/// A foot that a pole stands on: a disc, a cross or a block, `r` to its edge. Gives the height at which the pole begins.
fn foot(s: &mut Solid, r: f32, rng: &mut impl Rng) -> f32 {
    match rng.random_range(0..3) {
        0 => {
            let thick = between(rng, 0.02, 0.04);
            s.post([0.0; 3], [0.0, 0.0, thick], [r, r], 14);
            thick
        }
        1 => {
            for k in 0..4 {
                let (sin, cos) = (k as f32 * std::f32::consts::TAU / 4.0).sin_cos();
                s.post(
                    [r * cos, r * sin, 0.014],
                    [0.0, 0.0, 0.05],
                    [0.014, 0.018],
                    6,
                );
            }
            0.03
        }
        _ => {
            s.block([0.0, 0.0, 0.02], [1.6 * r, 1.6 * r, 0.04]);
            0.04
        }
    }
}

pub(super) fn lamp(s: &mut Solid, w: f32, h: f32, rng: &mut impl Rng) {
    let base = foot(s, w * between(rng, 0.36, 0.5), rng);
    let pole = between(rng, 0.011, 0.018);
    let shade = between(rng, 0.18, 0.35);
    let wide = w * between(rng, 0.3, 0.5);
    s.post(
        [0.0, 0.0, base],
        [0.0, 0.0, h - shade * 0.5],
        [pole, pole],
        8,
    );
    s.post(
        [0.0, 0.0, h - shade],
        [0.0, 0.0, h],
        [wide, wide * between(rng, 0.4, 1.0)],
        12,
    );
}

pub(super) fn stand(s: &mut Solid, w: f32, h: f32, rng: &mut impl Rng) {
    let base = foot(s, w * 0.48, rng);
    let pole = between(rng, 0.015, 0.024);
    s.post([0.0, 0.0, base], [0.0, 0.0, h], [pole, pole], 8);
    let arms = rng.random_range(3..7);
    for k in 0..arms {
        let (sin, cos) = (k as f32 * std::f32::consts::TAU / arms as f32).sin_cos();
        let z = h - 0.06 - if k % 2 == 1 { 0.12 } else { 0.0 };
        let r = w * between(rng, 0.2, 0.35);
        s.post(
            [0.0, 0.0, z],
            [r * cos, r * sin, z + 0.06],
            [0.011, 0.009],
            6,
        );
    }
}

pub(super) fn tripod(s: &mut Solid, w: f32, h: f32, rng: &mut impl Rng) {
    let hub = h * between(rng, 0.55, 0.75);
    for k in 0..3 {
        let (sin, cos) = (k as f32 * std::f32::consts::TAU / 3.0 + 0.5).sin_cos();
        s.post(
            [w / 2.0 * cos, w / 2.0 * sin, 0.0],
            [0.03 * cos, 0.03 * sin, hub],
            [0.012, 0.016],
            6,
        );
    }
    s.post([0.0, 0.0, hub - 0.08], [0.0, 0.0, h], [0.02, 0.016], 8);
    if rng.random_bool(0.7) {
        let head = between(rng, 0.06, 0.12);
        s.block([0.0, 0.0, h - head / 2.0], [head * 1.3, head, head]);
    }
}

pub(super) fn monitor(s: &mut Solid, w: f32, d: f32, h: f32, rng: &mut impl Rng) {
    let screen = h * between(rng, 0.66, 0.8);
    let thick = between(rng, 0.03, 0.06);
    s.block([0.0, 0.0, h - screen / 2.0], [w, thick, screen]);
    s.block(
        [0.0, -thick / 2.0, (h - screen * 0.5) / 2.0],
        [0.06, 0.03, h - screen * 0.5],
    );
    s.block([0.0, 0.0, 0.01], [w * between(rng, 0.35, 0.55), d, 0.02]);
}

pub(super) fn shelf(s: &mut Solid, w: f32, d: f32, h: f32, rng: &mut impl Rng) {
    let thick = between(rng, 0.016, 0.025);
    for side in [-1.0, 1.0] {
        s.block([side * (w - thick) / 2.0, 0.0, h / 2.0], [thick, d, h]);
    }
    let boards = rng.random_range(2..5);
    for k in 0..=boards {
        let z = thick / 2.0 + (h - thick) * k as f32 / boards as f32;
        s.block([0.0, 0.0, z], [w, d, thick]);
    }
    if rng.random_bool(0.6) {
        s.block([0.0, -d / 2.0 + 0.004, h / 2.0], [w, 0.008, h]);
    }
}
