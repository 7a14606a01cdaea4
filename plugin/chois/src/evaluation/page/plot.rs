//! Drawings in SVG: where values lie, and how they change with a setting. Colours are classes of the page's style sheet, so
//! that they follow its light and dark scheme. Axes begin at zero.

use super::html::Html;

/// A value with what is said of it when pointed at.
pub(super) struct Point {
    pub value: f64,
    pub said: String,
}

/// Values of one system, drawn in a line.
pub(super) struct Strip {
    pub label: &'static str,
    /// Class of its colour.
    pub class: &'static str,
    pub points: Vec<Point>,
}

/// A figure over a setting.
pub(super) struct Line {
    pub label: &'static str,
    /// Class of its colour.
    pub class: &'static str,
    /// Mean, least and most at each setting; none where it was not measured.
    pub points: Vec<Option<[f64; 3]>>,
}

/// Widest of a drawing, in its own units.
const WIDTH: f64 = 520.0;

/// Distance of ticks, 1, 2 or 5 times a power of ten, of which about `wanted` fit below `most`.
fn tick(most: f64, wanted: f64) -> f64 {
    let rough = most / wanted;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|s| s * power >= rough * 0.999)
        .unwrap_or(10.0);
    step * power
}

/// Ticks from 0 to the first that nothing lies beyond.
fn ticks(values: impl Iterator<Item = f64>, wanted: f64) -> Vec<f64> {
    let most = values.filter(|v| v.is_finite()).fold(0.0, f64::max);
    let most = if most > 1e-9 { most } else { 1.0 };
    let step = tick(most, wanted);
    let count = (most / step - 1e-6).ceil().max(1.0) as usize;
    (0..=count).map(|k| k as f64 * step).collect()
}

/// As many digits as tell the ticks apart.
fn label(value: f64, step: f64) -> String {
    let digits = (-step.log10().floor()).clamp(0.0, 4.0) as usize;
    format!("{value:.digits$}")
}

/// Where values of several systems lie on one axis: a dot each, the mean as a stroke with its number.
pub(super) fn strips(html: &mut Html, title: &str, strips: &[Strip]) {
    const ROW: f64 = 38.0;
    const LEFT: f64 = 92.0;
    const RIGHT: f64 = 58.0;
    let values = || strips.iter().flat_map(|s| s.points.iter().map(|p| p.value));
    let ticks = ticks(values(), 5.0);
    let (step, most) = (ticks[1], ticks[ticks.len() - 1]);
    let x = |v: f64| LEFT + v / most * (WIDTH - LEFT - RIGHT);
    let bottom = strips.len() as f64 * ROW + 6.0;
    start(html, title, bottom + 20.0);
    for t in &ticks {
        html.put("<line class=\"grid\" x1=\"").number(x(*t));
        html.put("\" x2=\"").number(x(*t));
        html.put("\" y1=\"4\" y2=\"").number(bottom);
        html.put("\"/><text class=\"tick\" text-anchor=\"middle\" x=\"")
            .number(x(*t));
        html.put("\" y=\"").number(bottom + 14.0);
        html.put("\">").text(label(*t, step)).put("</text>");
    }
    for (row, strip) in strips.iter().enumerate() {
        let middle = (row as f64 + 0.5) * ROW + 4.0;
        html.put("<text class=\"name\" text-anchor=\"end\" x=\"")
            .number(LEFT - 10.0);
        html.put("\" y=\"").number(middle + 4.0);
        html.put("\">").text(strip.label).put("</text><g class=\"");
        html.text(strip.class).put("\">");
        for (n, point) in strip.points.iter().enumerate() {
            // Spread evenly about the middle, the same every time.
            let aside = (n as f64 * 0.618_034).fract() - 0.5;
            html.put("<circle r=\"3\" cx=\"").number(x(point.value));
            html.put("\" cy=\"").number(middle + aside * (ROW - 16.0));
            html.put("\"><title>").text(&point.said);
            html.put("</title></circle>");
        }
        let count = strip.points.len();
        if count > 0 {
            let mean = strip.points.iter().map(|p| p.value).sum::<f64>() / count as f64;
            html.put("<line class=\"mean\" x1=\"").number(x(mean));
            html.put("\" x2=\"").number(x(mean));
            html.put("\" y1=\"").number(middle - ROW / 2.0 + 5.0);
            html.put("\" y2=\"").number(middle + ROW / 2.0 - 5.0);
            html.put("\"/><text class=\"value\" x=\"")
                .number(WIDTH - RIGHT + 12.0);
            html.put("\" y=\"").number(middle + 4.0);
            html.put("\">").text(format!("{mean:.2}")).put("</text>");
        }
        html.put("</g>");
    }
    html.put("</svg>");
}

/// Figures over a setting whose values stand at even distances: the mean as a line, least to most as a band.
pub(super) fn curve(html: &mut Html, title: &str, settings: &[String], lines: &[Line]) {
    const LEFT: f64 = 46.0;
    const TOP: f64 = 10.0;
    const HEIGHT: f64 = 150.0;
    const RIGHT: f64 = 96.0;
    let values = || {
        lines
            .iter()
            .flat_map(|l| l.points.iter().flatten().map(|p| p[2]))
    };
    let ticks = ticks(values(), 4.0);
    let (step, most) = (ticks[1], ticks[ticks.len() - 1]);
    let y = |v: f64| TOP + HEIGHT * (1.0 - v / most);
    let gap = (WIDTH - LEFT - RIGHT - 24.0) / settings.len().saturating_sub(1).max(1) as f64;
    let x = |k: usize| LEFT + 12.0 + k as f64 * gap;
    start(html, title, TOP + HEIGHT + 24.0);
    for t in &ticks {
        html.put("<line class=\"grid\" x1=\"").number(LEFT);
        html.put("\" x2=\"").number(WIDTH - RIGHT);
        html.put("\" y1=\"").number(y(*t));
        html.put("\" y2=\"").number(y(*t));
        html.put("\"/><text class=\"tick\" text-anchor=\"end\" x=\"")
            .number(LEFT - 6.0);
        html.put("\" y=\"").number(y(*t) + 4.0);
        html.put("\">").text(label(*t, step)).put("</text>");
    }
    for (k, setting) in settings.iter().enumerate() {
        html.put("<text class=\"tick\" text-anchor=\"middle\" x=\"")
            .number(x(k));
        html.put("\" y=\"").number(TOP + HEIGHT + 17.0);
        html.put("\">").text(setting).put("</text>");
    }
    let mut labels: Vec<(f64, &Line)> = Vec::new();
    for line in lines {
        let known: Vec<(usize, [f64; 3])> = (line.points.iter().enumerate())
            .filter_map(|(k, p)| Some((k, (*p)?)))
            .collect();
        let Some((_, last)) = known.last() else {
            continue;
        };
        labels.push((y(last[0]), line));
        html.put("<g class=\"").text(line.class);
        html.put("\"><polygon class=\"band\" points=\"");
        for (k, [_, _, most]) in &known {
            html.number(x(*k)).put(",").number(y(*most)).put(" ");
        }
        for (k, [_, least, _]) in known.iter().rev() {
            html.number(x(*k)).put(",").number(y(*least)).put(" ");
        }
        html.put("\"/><polyline points=\"");
        for (k, [mean, _, _]) in &known {
            html.number(x(*k)).put(",").number(y(*mean)).put(" ");
        }
        html.put("\"/>");
        for (k, [mean, least, most]) in &known {
            html.put("<circle r=\"3.5\" cx=\"").number(x(*k));
            html.put("\" cy=\"").number(y(*mean)).put("\"><title>");
            html.text(format!(
                "{}, {}: {mean:.2} ({least:.2} to {most:.2})",
                line.label, settings[*k]
            ));
            html.put("</title></circle>");
        }
        html.put("</g>");
    }
    // Names stand at the ends of their lines, apart from each other.
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = f64::NEG_INFINITY;
    for (at, line) in labels {
        let at = at.max(free);
        free = at + 15.0;
        html.put("<g class=\"").text(line.class);
        html.put("\"><text class=\"name\" x=\"")
            .number(WIDTH - RIGHT + 4.0);
        html.put("\" y=\"").number(at + 4.0);
        html.put("\">").text(line.label).put("</text></g>");
    }
    html.put("</svg>");
}

fn start(html: &mut Html, title: &str, height: f64) {
    html.put("<svg role=\"img\" viewBox=\"0 0 ").number(WIDTH);
    html.put(" ").number(height).put("\" aria-label=\"");
    html.text(title).put("\">");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        let of = |most: f64| ticks([0.2, f64::NAN, most].into_iter(), 5.0);
        assert_eq!(of(11.7), [0.0, 5.0, 10.0, 15.0]);
        assert_eq!(of(10.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(of(0.93), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        // Nothing but zeros, and nothing at all.
        for none in [vec![0.0], vec![], vec![f64::INFINITY]] {
            let t = ticks(none.into_iter(), 5.0);
            assert_eq!((t[0], t[t.len() - 1]), (0.0, 1.0));
        }
        assert_eq!(
            (label(0.6, 0.2), label(15.0, 5.0)),
            ("0.6".into(), "15".into())
        );
    }

    #[test]
    fn drawings_place_values_in_proportion() {
        let mut html = Html::default();
        let point = |value| Point {
            value,
            said: "<clip>".into(),
        };
        let strip = Strip {
            label: "guided",
            class: "guided",
            points: vec![point(0.0), point(10.0)],
        };
        strips(&mut html, "MPJPE & more", &[strip]);
        let svg = html.finish();
        // The axis runs from 92 to 462.
        for want in [
            "cx=\"92\"",
            "cx=\"462\"",
            "class=\"mean\" x1=\"277\"",
            ">5.00<",
            "&lt;clip&gt;",
            "MPJPE &amp; more",
        ] {
            assert!(svg.contains(want), "{want} not in {svg}");
        }
        let mut html = Html::default();
        let line = Line {
            label: "guided",
            class: "guided",
            points: vec![Some([1.0, 0.5, 2.0]), None, Some([2.0, 2.0, 2.0])],
        };
        let settings = ["1", "2", "4"].map(str::to_owned);
        curve(&mut html, "FS", &settings, &[line]);
        let svg = html.finish();
        // From 58 to 412, 2 at the top, the setting without a value left out.
        assert!(svg.contains("<polyline points=\"58,85 412,10 \""), "{svg}");
        assert!(svg.contains("1.00 (0.50 to 2.00)"), "{svg}");
    }
}
