//! An evaluation as a page: one HTML file with tables and drawings, light and dark, which asks the network for nothing.

mod html;
mod plot;

use std::path::Path;

use html::Html;
use plot::{Line, Point, Strip};

use super::metrics::ClipMetrics;
use super::report::{Better, Metric, Origin, Report, Row};
use super::study::{Study, Way, WindowName};
use crate::error::{Result, write_atomically};
use crate::model::config::Provenance;

/// Figures whose distribution over windows is drawn.
const DRAWN: [Metric; 6] = [
    Metric::Joints,
    Metric::FootSliding,
    Metric::ContactF1,
    Metric::HandPenetrationCorrected,
    Metric::Waypoints,
    Metric::ContactSlip,
];

/// Figures of the smaller tables.
const HEADLINES: [Metric; 9] = [
    Metric::End,
    Metric::Waypoints,
    Metric::FootSliding,
    Metric::ContactF1,
    Metric::ContactShare,
    Metric::ContactSlip,
    Metric::Reach,
    Metric::HandPenetrationCorrected,
    Metric::Joints,
];

/// Rows of the table, under headings.
const GROUPS: [(&str, &[Metric]); 5] = [
    (
        "What was asked for",
        &[Metric::Start, Metric::End, Metric::Waypoints],
    ),
    ("Feet", &[Metric::FeetHeight, Metric::FootSliding]),
    (
        "Hands and object",
        &[
            Metric::ContactPrecision,
            Metric::ContactRecall,
            Metric::ContactF1,
            Metric::ContactAccuracy,
            Metric::ContactShare,
            Metric::ContactSlip,
            Metric::Reach,
            Metric::HandPenetrationCorrected,
            Metric::HandPenetration,
        ],
    ),
    (
        "Likeness to the capture",
        &[
            Metric::Joints,
            Metric::Vertices,
            Metric::Hands,
            Metric::RootTranslation,
            Metric::RootRotation,
            Metric::ObjectTranslation,
            Metric::ObjectRotation,
        ],
    ),
    (
        "Sentence and realism",
        &[
            Metric::RPrecisionTop1,
            Metric::RPrecisionTop2,
            Metric::RPrecision,
            Metric::Matching,
            Metric::Fid,
            Metric::Diversity,
            Metric::Multimodality,
        ],
    ),
];

/// One data set of a page.
pub struct Set<'a> {
    /// What it is called.
    pub name: String,
    /// All that was generated of it.
    pub study: &'a Study,
    /// Its table.
    pub report: Report,
    /// Windows of what is held out and of what is not, apart (see [`Study::apart`]); empty without such.
    pub apart: Vec<Row>,
    /// The table of long sequences, where there are such.
    pub long: Option<Report>,
}

/// Writes the page, whole or not at all; folders that are missing are made.
///
/// # Errors
/// Those of [`render`]; [`crate::Error::Write`].
pub fn write(
    path: &Path,
    model: &str,
    provenance: &Provenance,
    sets: &[Set<'_>],
    walks: Option<&Report>,
) -> Result<()> {
    write_atomically(path, render(model, provenance, sets, walks)?.as_bytes())
}

/// The page of an evaluation of the model of this name; `walks` is the table of walks without an object.
///
/// # Errors
/// Those of [`Study::row`].
pub fn render(
    model: &str,
    provenance: &Provenance,
    sets: &[Set<'_>],
    walks: Option<&Report>,
) -> Result<String> {
    let mut html = Html::default();
    html.put("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .put("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>")
        .text(model)
        .put(", evaluated</title>\n<style>\n")
        .put(include_str!("style.css"))
        .put("</style>\n</head>\n<body>\n<main>\n<h1>")
        .text(model)
        .put(", evaluated</h1>\n<p class=\"soft\">Trained on ")
        .text(&provenance.data)
        .put("; ")
        .text(provenance.steps)
        .put(" steps.");
    if !provenance.licence.is_empty() {
        html.put(" Terms: ").text(&provenance.licence).put(".");
    }
    html.put(
        "</p>\n<p class=\"soft\">Each window of 4 seconds is generated anew from its first frame, its sentence, its \
         waypoints and the object's last place, and compared with the capture. Lengths in centimetres.</p>\n",
    );
    for set in sets {
        section(&mut html, set)?;
    }
    if let Some(walks) = walks {
        html.put("<h2>Walks</h2>\n<p class=\"soft\">")
            .text(&walks.title)
            .put(".</p>\n");
        table(&mut html, &walks.rows, &Metric::ALL);
        notes(&mut html, &walks.notes);
    }
    html.put("</main>\n</body>\n</html>\n");
    Ok(html.finish())
}

fn section(html: &mut Html, set: &Set<'_>) -> Result<()> {
    let study = set.study;
    html.put("<h2>Clips of ")
        .text(&set.name)
        .put("</h2>\n<p class=\"soft\">");
    html.text(study.windows.len())
        .put(" windows of ")
        .text(study.clips())
        .put(" clips with ")
        .text(study.objects().len())
        .put(if study.objects().len() == 1 {
            " object, "
        } else {
            " objects, "
        })
        .text(study.steps)
        .put(if study.steps == 1 { " step" } else { " steps" });
    if study.seeds > 1 {
        html.put("; means over ")
            .text(study.seeds)
            .put(" seeds, ± half the range of the seeds’ means");
    }
    html.put(".</p>\n");
    figures(html, study, &set.report)?;
    if !set.apart.is_empty() {
        html.put("<h3>Held out and not</h3>\n");
        table(html, &set.apart, &HEADLINES);
    }
    distributions(html, study);
    curves(html, study)?;
    objects(html, study)?;
    seeds(html, study)?;
    if let Some(long) = &set.long {
        html.put("<h3>Long sequences</h3>\n");
        table(html, &long.rows, &Metric::ALL);
        notes(html, &long.notes);
    }
    html.put("<h3>To be read with it</h3>\n");
    notes(html, &set.report.notes);
    Ok(())
}

fn notes(html: &mut Html, notes: &[String]) {
    html.put("<ul class=\"soft\">\n");
    for note in notes {
        html.put("<li>").text(note).put("</li>\n");
    }
    html.put("</ul>\n");
}

/// Class of a row's colour.
fn class(row: &Row) -> &'static str {
    match (row.origin, row.name.as_str()) {
        (Origin::Published, _) => "published",
        (_, "captured") => "captured",
        (_, name) if name.starts_with("guided") => "guided",
        _ => "plain",
    }
}

/// "12.30", and its spread smaller.
fn cell(html: &mut Html, row: &Row, metric: Metric) {
    match row.values.get(&metric) {
        None => html.put("<td class=\"none\">–</td>"),
        Some(value) => {
            html.put(match row.origin {
                Origin::Measured => "<td>",
                Origin::Published => "<td class=\"published\">",
            });
            html.text(format!("{value:.2}"));
            if row.origin == Origin::Published && metric.is_of_an_evaluator() {
                html.put(" †");
            }
            if let Some(spread) = row.spread.get(&metric) {
                html.put(" <span class=\"pm\">±\u{a0}")
                    .text(format!("{spread:.2}"))
                    .put("</span>");
            }
            html.put("</td>")
        }
    };
}

/// "T_e", its unit and which way is better.
fn symbol(html: &mut Html, metric: Metric) {
    let better = match metric.better() {
        Better::LikeCaptured => "≈",
        Better::Lower => "↓",
        Better::Higher => "↑",
    };
    html.text(metric.symbol()).put(" ").text(better);
}

/// The figures of the set beside the published ones: metrics down, systems across.
fn figures(html: &mut Html, study: &Study, report: &Report) -> Result<()> {
    let all = |_: &WindowName| true;
    let mut rows = Vec::new();
    for way in study.ways() {
        if way.steps == study.steps {
            rows.extend(study.row(way, &all)?.map(|row| Row {
                name: way.name().to_owned(),
                ..row
            }));
        }
    }
    rows.extend(study.captured(&all)?);
    let published = (report.rows.iter()).filter(|r| r.origin == Origin::Published);
    rows.extend(published.cloned());
    html.put("<div class=\"wide\"><table>\n<thead><tr><th>metric</th><th class=\"words\"></th>");
    for row in &rows {
        html.put("<th class=\"").text(class(row)).put("\">");
        html.text(&row.name).put("<small>");
        match (row.origin, row.clips) {
            (Origin::Published, _) => html.put("published"),
            (Origin::Measured, Some(clips)) => html.text(clips).put(" windows"),
            (Origin::Measured, None) => html.put("measured"),
        };
        html.put("</small></th>");
    }
    html.put("</tr></thead>\n<tbody>\n");
    for (name, metrics) in GROUPS {
        let shown: Vec<Metric> = (metrics.iter().copied())
            .filter(|m| {
                (rows.iter()).any(|r| r.origin == Origin::Measured && r.values.contains_key(m))
            })
            .collect();
        if shown.is_empty() {
            continue;
        }
        html.put("<tr class=\"group\"><th colspan=\"")
            .text(rows.len() + 2)
            .put("\">")
            .text(name)
            .put("</th></tr>\n");
        for metric in shown {
            html.put("<tr><td>");
            symbol(html, metric);
            html.put("</td><td class=\"words\">").text(metric.meaning());
            if !metric.unit().is_empty() {
                html.put(", ").text(metric.unit());
            }
            html.put("</td>");
            for row in &rows {
                cell(html, row, metric);
            }
            html.put("</tr>\n");
        }
    }
    html.put("</tbody>\n</table></div>\n");
    let judged = |r: &Row| r.values.keys().any(|m| m.is_of_an_evaluator());
    if (rows.iter()).any(|r| r.origin == Origin::Measured && judged(r)) {
        html.put(
            "<p class=\"soft\">† by the paper’s own evaluator, not to be compared with ours.</p>\n",
        );
    }
    Ok(())
}

/// Systems down, metrics across: those of `metrics` that any row has.
fn table(html: &mut Html, rows: &[Row], metrics: &[Metric]) {
    let shown: Vec<Metric> = (metrics.iter().copied())
        .filter(|m| (rows.iter()).any(|r| r.origin == Origin::Measured && r.values.contains_key(m)))
        .collect();
    html.put("<div class=\"wide\"><table>\n<thead><tr><th></th>");
    for metric in &shown {
        html.put("<th>");
        symbol(html, *metric);
        // A line of its own in every head keeps the symbols level.
        let unit = if metric.unit().is_empty() {
            "\u{a0}"
        } else {
            metric.unit()
        };
        html.put("<small>").text(unit).put("</small></th>");
    }
    html.put("</tr></thead>\n<tbody>\n");
    for row in rows {
        html.put("<tr><td>").text(&row.name);
        if row.origin == Origin::Published {
            html.put(", published");
        } else if let Some(clips) = row.clips {
            html.put(" <span class=\"soft\">(")
                .text(clips)
                .put(")</span>");
        }
        html.put("</td>");
        for metric in &shown {
            cell(html, row, *metric);
        }
        html.put("</tr>\n");
    }
    html.put("</tbody>\n</table></div>\n");
}

/// The figure of one window, as tables show it; `captured` asks for that of its capture.
fn of_window(metrics: &ClipMetrics, metric: Metric, captured: bool) -> Option<f64> {
    let row = if captured {
        Row::captured(1, metrics)
    } else {
        Row::measured("", 1, metrics)
    };
    row.values.get(&metric).copied()
}

/// A dot for each window: the mean of its seeds.
fn strip(study: &Study, metric: Metric, way: Option<Way>) -> Strip {
    let runs: Vec<_> = match way {
        Some(way) => study.runs(way).collect(),
        None => study.runs.iter().take(1).collect(),
    };
    let point = |(n, name): (usize, &WindowName)| {
        let values: Vec<f64> = runs
            .iter()
            .filter_map(|run| of_window(&run.windows[n], metric, way.is_none()))
            .collect();
        let value = values.iter().sum::<f64>() / values.len() as f64;
        value.is_finite().then(|| Point {
            value,
            said: format!("{}, frame {}: {value:.2}", name.clip, name.start),
        })
    };
    Strip {
        label: way.map_or("captured", Way::name),
        class: match way {
            None => "dots captured",
            Some(Way { guided: true, .. }) => "dots guided",
            Some(_) => "dots plain",
        },
        points: study.windows.iter().enumerate().filter_map(point).collect(),
    }
}

fn caption(html: &mut Html, metric: Metric) {
    html.put("<figure><figcaption><b>");
    symbol(html, metric);
    html.put("</b> ").text(metric.meaning());
    if !metric.unit().is_empty() {
        html.put(", ").text(metric.unit());
    }
    html.put("</figcaption>");
}

fn distributions(html: &mut Html, study: &Study) {
    html.put(
        "<h3>Window by window</h3>\n<p class=\"soft\">Each dot is a window, the mean of its seeds; the stroke is the mean of all. Point at a dot to see its clip.</p>\n<div class=\"grid2\">\n",
    );
    for metric in DRAWN {
        let ways = study.ways().into_iter();
        let strips: Vec<Strip> = ways
            .filter(|w| w.steps == study.steps)
            .map(Some)
            .chain([None])
            .map(|way| strip(study, metric, way))
            .filter(|s| !s.points.is_empty())
            .collect();
        if strips.is_empty() {
            continue;
        }
        caption(html, metric);
        plot::strips(html, metric.symbol(), &strips);
        html.put("</figure>\n");
    }
    html.put("</div>\n");
}

/// How figures change with the number of steps, where several were tried.
fn curves(html: &mut Html, study: &Study) -> Result<()> {
    let mut steps: Vec<usize> = study.ways().iter().map(|w| w.steps).collect();
    steps.sort_unstable();
    steps.dedup();
    if steps.len() < 2 {
        return Ok(());
    }
    html.put("<h3>Sampling steps</h3>\n<p class=\"soft\">The line is the mean");
    if study.seeds > 1 {
        html.put(", the band the range of the seeds’ means");
    }
    html.put(".</p>\n<div class=\"grid2\">\n");
    let settings: Vec<String> = steps.iter().map(usize::to_string).collect();
    let all = |_: &WindowName| true;
    for metric in DRAWN {
        let mut lines = Vec::new();
        for guided in [true, false] {
            let mut points = Vec::new();
            for steps in &steps {
                let way = Way {
                    guided,
                    steps: *steps,
                };
                let mut values = Vec::new();
                for run in study.runs(way) {
                    let row = study.seed_row("", run, &all)?;
                    values.extend(row.and_then(|r| r.values.get(&metric).copied()));
                }
                points.push((!values.is_empty()).then(|| {
                    [
                        values.iter().sum::<f64>() / values.len() as f64,
                        values.iter().copied().fold(f64::INFINITY, f64::min),
                        values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                    ]
                }));
            }
            lines.push(Line {
                label: Way { guided, steps: 0 }.name(),
                class: if guided { "guided" } else { "plain" },
                points,
            });
        }
        if lines
            .iter()
            .all(|l| l.points.iter().flatten().next().is_none())
        {
            continue;
        }
        caption(html, metric);
        plot::curve(html, metric.symbol(), &settings, &lines);
        html.put("</figure>\n");
    }
    html.put("</div>\n");
    Ok(())
}

fn objects(html: &mut Html, study: &Study) -> Result<()> {
    /// Above this, a table helps nobody.
    const MOST: usize = 40;
    let objects = study.objects();
    if !(2..=MOST).contains(&objects.len()) {
        return Ok(());
    }
    let mut rows = Vec::new();
    for object in objects.keys() {
        let wanted = |w: &WindowName| w.object == *object;
        let way = Way {
            guided: true,
            steps: study.steps,
        };
        rows.extend(study.row(way, &wanted)?.map(|row| Row {
            name: (*object).to_owned(),
            ..row
        }));
    }
    html.put("<h3>Object by object</h3>\n<p class=\"soft\">Guided; windows in brackets.</p>\n");
    table(html, &rows, &HEADLINES);
    Ok(())
}

fn seeds(html: &mut Html, study: &Study) -> Result<()> {
    if study.seeds < 2 {
        return Ok(());
    }
    html.put("<h3>Seed by seed</h3>\n");
    let all = |_: &WindowName| true;
    let mut rows = Vec::new();
    for way in study.ways().into_iter().filter(|w| w.steps == study.steps) {
        for run in study.runs(way) {
            let name = format!("{}, seed {}", way.name(), run.seed + 1);
            rows.extend(study.seed_row(&name, run, &all)?);
        }
    }
    table(html, &rows, &HEADLINES);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::evaluator::Scores;
    use super::super::report::Benchmark;
    use super::super::study::Run;
    use super::super::walks::WalkMetrics;
    use super::*;

    const HOSTILE: &str = "\"><script src=//x>alert('&')</script>\0";

    fn study(steps: &[usize], seeds: usize) -> Study {
        let metrics = |k: usize| ClipMetrics {
            joint_error: 0.1 + 0.01 * k as f64,
            foot_sliding: 0.002,
            contact_slip: k.is_multiple_of(2).then_some(0.005),
            ..ClipMetrics::default()
        };
        let name = |k: usize| WindowName {
            clip: format!("{HOSTILE}{k}"),
            subject: HOSTILE.into(),
            object: format!("{HOSTILE}{}", k % 2),
            start: 30 * k,
        };
        let mut runs = Vec::new();
        for steps in steps {
            for guided in [true, false] {
                for seed in 0..seeds {
                    runs.push(Run {
                        way: Way {
                            guided,
                            steps: *steps,
                        },
                        seed,
                        windows: (0..3).map(|k| metrics(k + seed)).collect(),
                        long: Vec::new(),
                        scores: None,
                    });
                }
            }
        }
        Study {
            steps: steps[steps.len() - 1],
            seeds,
            windows: (0..3).map(name).collect(),
            sentences: 1,
            long: None,
            runs,
            captured_scores: None,
        }
    }

    fn page(study: &Study) -> String {
        let rows = study.rows().expect("rows");
        let report = Report::new(HOSTILE, rows, Benchmark::FullBodyManipulation).note(HOSTILE);
        let set = Set {
            name: HOSTILE.into(),
            study,
            apart: study
                .apart(&["object=nothing".parse().expect("readable")], ["a", "b"])
                .expect("rows"),
            long: Some(report.clone()),
            report,
        };
        let provenance = Provenance {
            data: HOSTILE.into(),
            licence: HOSTILE.into(),
            ..Provenance::default()
        };
        let walk = WalkMetrics {
            windows: 5,
            heading_error: 3.25,
            ..WalkMetrics::default()
        };
        let walks = Report {
            title: HOSTILE.into(),
            unit_of_length: "cm".into(),
            rows: vec![Row::walk(HOSTILE, &walk), Row::captured_walk(&walk)],
            notes: vec![HOSTILE.into()],
        };
        render(HOSTILE, &provenance, &[set], Some(&walks)).expect("a page")
    }

    /// The names of all elements that are opened, in order, having checked that each is closed.
    fn elements(page: &str) -> Vec<String> {
        let mut open: Vec<String> = Vec::new();
        let mut all = Vec::new();
        for part in page.split('<').skip(1) {
            let (tag, _) = part.split_once('>').expect("a tag ends");
            let name: String = tag.chars().take_while(|c| !" \n/>".contains(*c)).collect();
            match tag.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop().as_deref(), Some(closed), "{tag}"),
                None => {
                    let alone = tag.ends_with('/') || ["!doctype", "meta"].contains(&&*name);
                    if !alone {
                        open.push(name.clone());
                    }
                    all.push(name);
                }
            }
        }
        assert!(open.is_empty(), "{open:?}");
        all
    }

    #[test]
    fn no_name_becomes_markup() {
        let page = page(&study(&[1, 4], 2));
        let elements = elements(&page);
        let known = [
            "!doctype",
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "main",
            "h1",
            "h2",
            "h3",
            "p",
            "div",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "small",
            "span",
            "ul",
            "li",
            "b",
            "figure",
            "figcaption",
            "svg",
            "g",
            "line",
            "text",
            "circle",
            "polygon",
            "polyline",
        ];
        for element in &elements {
            assert!(known.contains(&element.as_str()), "{element}");
        }
        assert!(page.contains("&lt;script src=//x&gt;alert(&#39;&amp;&#39;)"));
        assert!(!page.contains('\0'));
        // One file: nothing is fetched.
        for word in ["href", "src=\"", "url(", "@import", "http"] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn the_page_has_what_was_tried() {
        let count = |page: &str, word: &str| page.matches(word).count();
        let one = page(&study(&[8], 1));
        assert_eq!(
            count(&one, "<polyline"),
            0,
            "no curve over one number of steps"
        );
        assert_eq!(count(&one, "Seed by seed"), 0);
        assert!(!one.contains("±") && one.contains("11.00"));
        assert!(one.contains("<h2>Walks</h2>") && one.contains("<td>3.25</td>"));
        let all = page(&study(&[1, 2, 8], 3));
        // Four figures that were measured, guided and not.
        assert_eq!(count(&all, "<polyline"), 8);
        assert_eq!(count(&all, "Seed by seed"), 1);
        // Means of the seeds' means 11, 12 and 13.
        assert!(all.contains("<td>12.00 <span class=\"pm\">±\u{a0}1.00</span></td>"));
        assert!(all.contains("Object by object") && all.contains("published"));
        // No evaluator, no word of it; with one, the published figures of another are marked.
        assert!(!all.contains("†"));
        let mut judged = study(&[8], 1);
        let scores = Scores {
            r_precision: Some([0.2, 0.3, 0.4]),
            matching: 5.0,
            fid: Some(7.0),
            diversity: 9.0,
        };
        judged
            .runs
            .iter_mut()
            .for_each(|r| r.scores = Some(scores.clone()));
        let judged = page(&judged);
        assert!(
            judged.contains("<td>0.40</td>") && judged.contains("0.64 †"),
            "{judged}"
        );
        assert!(judged.contains("† by the paper"));
        // Three windows, guided, not, and captured where that can be: MPJPE, FS, C_F1, P_hand and slip, no T_xy.
        let dots = count(&all, "<circle r=\"3\"");
        assert_eq!(dots, 6 + 9 + 6 + 6);
    }
}
