use chois::training::synthetic::{Settings, synthesize};
use std::time::Instant;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args[1] == "glb" {
        for clip in &args[3..] {
            let c = chois::clip::read_clip(clip.as_ref()).unwrap();
            let root = std::path::Path::new(clip)
                .parent()
                .unwrap()
                .parent()
                .unwrap();
            let mesh = chois::geometry::load_mesh(
                &root.join(format!("objects/{}.obj", c.object)),
                Some(chois::geometry::UpAxis::Z),
            )
            .unwrap();
            let out = std::path::Path::new(&args[2]).join(format!("{}.glb", c.name));
            println!("{}: {} [{}]", c.name, c.text, c.object);
            chois::clip::glb::write(&out, &c, Some(&mesh), &Default::default()).unwrap();
        }
        return;
    }
    let mut s = Settings::new(&args[1]);
    s.hours = args[2].parse().unwrap();
    s.seed = args.get(3).map_or(0, |s| s.parse().unwrap());
    if let Ok(a) = std::env::var("ACC") {
        s.limits.acceleration = a.parse().unwrap();
    }
    let data = std::path::Path::new("/work/shared/data");
    s.made_share = std::env::var("MADE").map_or(0.5, |v| v.parse().unwrap());
    s.own_motion_only = std::env::var("OWN").is_ok();
    if !s.own_motion_only {
        s.locomotion = Some(data.join("locomotion"));
    }
    if !s.own_motion_only {
        s.captured = Some((data.join("omomo/train"), data.join("objects")));
    }
    let t = Instant::now();
    let mut first = None;
    let r = synthesize(&s, &mut |h, tally| {
        first.get_or_insert_with(|| t.elapsed().as_secs_f64());
        eprintln!(
            "{:.0} s, {h:.3} h, {} of {}",
            t.elapsed().as_secs_f64(),
            tally.clips(),
            tally.clips() + tally.refused()
        );
    });
    match r {
        Ok(r) => {
            println!(
                "{}\n{:?}\n{} clips {} objects {:.3} h in {:.0} s (first batch {:.0})",
                r.tally,
                r.means,
                r.clips,
                r.objects,
                r.hours,
                t.elapsed().as_secs_f64(),
                first.unwrap_or(0.0)
            );
        }
        Err(e) => println!("error: {e}"),
    }
}
