//! Contact before and after the physics: every object by every kind of instruction, one table, and what it costs.
//!
//! `cargo bench --profile dev -p chois_tests --bench contact`; with `-- --each` a line for each clip, with `-- --only TEXT`
//! only clips whose name has it, with `-- --captured CLIPS MESHES` captured clips instead of generated ones, with `-- --write FOLDER` each clip before and after as `.glb` and motion clip.

use std::path::PathBuf;

use chois::clip::glb::{self, GlbOptions};
use chois::contact::{ContactOptions, ObjectPhysics};
use chois::skeleton::NAMES;
use chois_tests::contact_suite::{
    INSTRUCTIONS, OBJECTS, assets, captured, case, object, quantile, synthesizer, table,
};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1).cloned()
    };
    let each = arguments.iter().any(|a| a == "--each");
    let only = value("--only").unwrap_or_default();
    let folder = value("--write").map(PathBuf::from);
    let options = ContactOptions::default();
    let mut outcomes = Vec::new();
    if let Some(at) = arguments.iter().position(|a| a == "--captured") {
        let folder = |k: usize| PathBuf::from(arguments.get(at + k).expect("a folder"));
        for case in captured(&folder(1), &folder(2)) {
            let outcome = case.run(&options);
            if each {
                let (after, before) = (&outcome.after, &outcome.before);
                println!(
                    "{}: acceleration x{:.2} ({}, frame {})\n{}",
                    case.name,
                    after.size / before.size,
                    NAMES[after.joint],
                    after.frame,
                    outcome.comparison
                );
                for event in &outcome.corrected.events {
                    println!("  {event}");
                }
            }
            outcomes.push(outcome);
        }
        println!("{}", table(&outcomes));
        return;
    }
    let mut synthesizer = synthesizer();
    for (i, (file, word)) in OBJECTS.iter().enumerate() {
        let path = assets().join(format!("objects/{file}.glb"));
        let thing = object(&path, &ObjectPhysics::default());
        println!(
            "{file}: {} convex parts, {:.1} kg",
            thing.hulls().len(),
            thing.mass()
        );
        for (k, (kind, instruction)) in INSTRUCTIONS.iter().enumerate() {
            if !format!("{file} {kind}").contains(&only) {
                continue;
            }
            let case = case(
                &mut synthesizer,
                &thing,
                word,
                kind,
                instruction,
                (i * 10 + k) as u64,
            );
            let outcome = case.run(&options);
            if each {
                let after = &outcome.comparison.after;
                let mut strayed = outcome.strayed.clone();
                println!(
                    "  {kind:8} {:5.0} ms, strays {:4.1} cm, misses {:4.1} cm, acceleration {:.1} cm a frame and frame, x{:.2} ({}, frame {}), hands \
                     {:.0} N {:.0} N m, in object {:.1} cm ({:.0}% of frames deep), below floor {:.1} cm",
                    outcome.seconds * 1e3,
                    quantile(&mut strayed, 0.5) * 100.0,
                    outcome.missed.iter().copied().fold(0.0, f32::max) * 100.0,
                    outcome.after.size * 100.0,
                    outcome.after.size / outcome.before.size,
                    NAMES[outcome.after.joint],
                    outcome.after.frame,
                    outcome.corrected.efforts[0]
                        .force
                        .max(outcome.corrected.efforts[1].force),
                    outcome.corrected.efforts[0]
                        .torque
                        .max(outcome.corrected.efforts[1].torque),
                    after
                        .hand_penetration
                        .as_ref()
                        .map_or(0.0, |d| d.p95 * 100.0),
                    after
                        .hand_penetration
                        .as_ref()
                        .map_or(0.0, |d| d.deep * 100.0),
                    after.object_below_floor.unwrap_or_default() * 100.0,
                );
                for event in &outcome.corrected.events {
                    println!("    {event}");
                }
                if !only.is_empty() {
                    println!("{}", outcome.comparison);
                }
            }
            if let Some(folder) = &folder {
                let mesh = chois::geometry::load_mesh(&path, None).expect("a mesh");
                let clips = [("before", &case.clip), ("after", &outcome.corrected.clip)];
                for (when, clip) in clips {
                    let name = format!("{file}_{kind}_{when}");
                    let out = folder.join(format!("{name}.glb"));
                    glb::write(&out, clip, Some(&mesh), &GlbOptions::default()).expect("written");
                    let out = folder.join(format!("{name}.safetensors"));
                    chois::clip::write_clip(&out, clip).expect("written");
                }
            }
            outcomes.push(outcome);
        }
    }
    println!("{}", table(&outcomes));
}
