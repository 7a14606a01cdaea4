//! From steps to legs.

use nalgebra::{UnitQuaternion, Vector2, Vector3};

use super::map::{Agent, Map};
use super::pair::{self, Pair, Room, Turning};
use super::place::{self, Spot, Wanted, described};
use super::refusal::NavigationRefusal;
use super::route::{self, Ends, Route};
use super::stand::{self, Grasp};
use super::{InteractLeg, Leg, NavigationConfig, WalkLeg, no_way, pace, places, walk};
use crate::command::{Action, Manner, Step, sentence};
use crate::request::plan::carried;
use crate::request::{EndTurn, InteractionRequest, MAX_SECONDS, ObjectPlace, PersonPlace};
use crate::scene::{Footprint, Item, ItemId, ItemKind, Scene};

/// A person this near to where they should stand need not walk, metres.
const THERE: f32 = 0.12;
/// An item this near to where it should go need not be moved, metres, unless it is turned otherwise by more than this, degrees.
const ALREADY: (f32, f32) = (0.1, 30.0);
/// Height of what is held in the hands over the floor, metres.
const IN_HANDS: f32 = 0.75;
/// Room between what is carried and what it is carried over, metres.
const OVER: f32 = 0.1;
/// Height at which something is carried above the head, metres.
const OVERHEAD: f32 = 1.6;

/// More of the body than this in furniture on the way, and another spot is looked for, square metres.
const CRAMPED: f32 = 0.02;
/// Spots that are looked at then.
const OFFERED: usize = 4;
/// What taking an item from a side that the network knows less costs, in square metres of body in furniture.
const AWKWARD: f32 = 0.02;

/// How an item is taken somewhere.
struct Taking {
    spot: Option<Spot>,
    /// Of its centre.
    route: Route,
    /// Where the person takes it.
    stand: PersonPlace,
    pair: Pair,
    /// Whether it may be turned at the end in every way in which it looks the same.
    free: bool,
}

/// A plan in the making: the scene as it will be when the legs so far are done.
pub(super) struct Planning<'a> {
    map: &'a mut Map,
    config: &'a NavigationConfig,
    scene: Scene,
    /// Where the person was when told.
    home: PersonPlace,
    person: PersonPlace,
    moved: Vec<ItemId>,
    interactions: u64,
    /// Whether nothing is planned after this step: what it moves need not be looked at where it will be.
    last: bool,
    /// The last thing that was where it should go.
    already: Option<NavigationRefusal>,
}

impl<'a> Planning<'a> {
    pub fn new(map: &'a mut Map, config: &'a NavigationConfig, scene: &Scene) -> Self {
        Self {
            map,
            config,
            scene: scene.clone(),
            home: scene.listener,
            person: scene.listener,
            moved: Vec::new(),
            interactions: 0,
            last: false,
            already: None,
        }
    }

    /// The items that the map has elsewhere than the scene had them.
    pub fn moved(self) -> Vec<ItemId> {
        self.moved
    }

    pub fn steps(&mut self, steps: &[Step]) -> Result<Vec<Leg>, NavigationRefusal> {
        let mut legs = Vec::new();
        for (i, step) in steps.iter().enumerate() {
            self.last = i + 1 == steps.len();
            match step.action {
                Action::Stop => legs.push(Leg::Wait { step: i }),
                Action::ComeBack => {
                    let home = self.home;
                    legs.extend(self.walk(i, home, &step.manner)?.map(Leg::Walk));
                }
                Action::Walk => {
                    let person = self.walker();
                    let to = walk::goal(self.map, &person, &self.scene, step, self.person)?;
                    legs.extend(self.walk(i, to, &step.manner)?.map(Leg::Walk));
                }
                _ => self.interact(i, step, &mut legs)?,
            }
        }
        match self.already.take() {
            Some(already) if legs.is_empty() => Err(already),
            _ => Ok(legs),
        }
    }

    fn walker(&self) -> Agent {
        Agent::person(self.config.person_radius.clamp(0.05, 2.0))
    }

    /// Walks there, unless the person is there already.
    fn walk(
        &mut self,
        step: usize,
        to: PersonPlace,
        manner: &Manner,
    ) -> Result<Option<WalkLeg>, NavigationRefusal> {
        let from = Vector2::from(self.person.position);
        let goal = Vector2::from(to.position);
        let turn = (to.facing - self.person.facing + 180.0).rem_euclid(360.0) - 180.0;
        if (goal - from).norm() < THERE && turn.abs() < 20.0 {
            return Ok(None);
        }
        let agent = self.walker();
        let ends = Ends {
            from,
            to: goal,
            without: &[],
        };
        let route = route::find(self.map, &agent, ends)
            .map_err(|dead| no_way(dead, "person", &agent, "that place".into()))?;
        self.person = to;
        Ok(Some(WalkLeg {
            step,
            times: pace::walking_times(&route.points, manner),
            points: places(&route.points),
            facing: to.facing,
        }))
    }

    fn item(&self, step: &Step) -> Result<Item, NavigationRefusal> {
        let id = step.object.or(self.scene.held);
        let item = id.and_then(|id| self.scene.item(id));
        item.cloned().ok_or_else(|| NavigationRefusal::Unusable {
            reason: match id {
                Some(id) => format!("item {} is not in the scene", id.0),
                None => "nothing is in the hands to be put down".into(),
            },
        })
    }

    /// Takes hold of an item, does something with it, and lets it be somewhere.
    fn interact(
        &mut self,
        i: usize,
        step: &Step,
        legs: &mut Vec<Leg>,
    ) -> Result<(), NavigationRefusal> {
        let mut item = self.item(step)?;
        let held = self.scene.held == Some(item.id);
        if !held && let Some(by) = self.laden(&item) {
            return Err(NavigationRefusal::Laden {
                name: item.name.clone(),
                by,
            });
        }
        if held {
            // What is in the hands is where the person is.
            item.place = in_hands(&item, &self.person);
        }
        let alike = self.map.alike(&item);
        let stays_in_hands = matches!(step.action, Action::PickUp | Action::Hold);
        let mut spots = vec![None];
        if !stays_in_hands {
            spots = self.spots(&item, step, 1)?;
        }
        if let (Some(goal), Some(Some(spot))) = (&step.goal, spots.first())
            && !held
            && is_there(&item, &spot.place, alike)
        {
            self.already = Some(NavigationRefusal::AlreadyThere {
                name: item.name.clone(),
                place: described(goal, &self.scene),
            });
            return Ok(());
        }
        let mut taken = self.taking(&item, step, alike, spots[0], held)?;
        if taken.pair.blocked > CRAMPED && !stays_in_hands {
            // Somewhere else there may be room for the person, too.
            for spot in self.spots(&item, step, OFFERED)?.into_iter().skip(1) {
                match self.taking(&item, step, alike, spot, held) {
                    Ok(other) if other.pair.cost + CRAMPED < taken.pair.cost => taken = other,
                    _ => {}
                }
            }
        }
        let Taking {
            spot,
            route,
            stand,
            pair,
            ..
        } = taken;
        if !held {
            legs.extend(self.walk(i, stand, &step.manner)?.map(Leg::Walk));
            self.person = stand;
        }
        let mut end = match spot {
            Some(spot) => spot.place,
            None => in_hands(&item, &self.person),
        };
        let center = item.center().coords;
        let to = spot.map_or(center, |s| s.at());
        let length = route.length();
        let mut seconds = pace::carrying_seconds(length, &step.manner)
            .max(pace::turning_seconds(pair.turn.to_radians().abs()));
        if !stays_in_hands && !step.action.slides() {
            seconds = seconds.max(pace::UPRIGHT);
        }
        if seconds > MAX_SECONDS {
            return Err(NavigationRefusal::TooFar {
                length,
                limit: pace::longest_carry(&step.manner),
            });
        }
        let text = if step.sentence.is_empty() {
            sentence(step.action, &item.name.to_lowercase(), &step.manner)
        } else {
            step.sentence.clone()
        };
        let mut request = InteractionRequest::new(text)
            .seconds(seconds)
            .seed(self.config.seed.wrapping_add(self.interactions))
            .end(end.position);
        request.start = item.place;
        request.person = Some(self.person);
        // What is tilted or laid down is turned as that leaves it.
        let mut person = spot.map_or(self.person, |s| s.person);
        if end.rotation == item.place.rotation {
            end.yaw = item.place.yaw + pair.turn;
            request.end_turn = Some(EndTurn {
                yaw: end.yaw,
                // Not every way in which it looks the same leaves room for the person. In what is as good as round the motion
                // itself finds the next that does.
                alike: if taken.free || alike > 4 { alike } else { 1 },
            });
            let off = Vector2::from(self.person.position) - center;
            let turned = nalgebra::Rotation2::new(pair.turn.to_radians()) * off;
            person = PersonPlace {
                position: (to + turned).into(),
                facing: self.person.facing + pair.turn,
            };
        }
        let marks = pace::waypoints(&route.points, &request);
        request = request.waypoints(marks);
        self.interactions += 1;
        legs.push(Leg::Interact(Box::new(InteractLeg {
            step: i,
            item: item.id,
            request,
            end,
            path: places(&route.points),
            person,
        })));
        self.person = person;
        item.place = end;
        if self.last {
            return Ok(());
        }
        self.moved.push(item.id);
        if stays_in_hands {
            self.scene.held = Some(item.id);
            self.map.remove(item.id);
        } else {
            if held {
                self.scene.held = None;
            }
            self.map.set(&item);
        }
        if let Some(kept) = self
            .scene
            .items
            .iter_mut()
            .find(|other| other.id == item.id)
        {
            *kept = item;
        }
        Ok(())
    }

    /// Where an item may go.
    fn spots(
        &mut self,
        item: &Item,
        step: &Step,
        most: usize,
    ) -> Result<Vec<Option<Spot>>, NavigationRefusal> {
        let walker = self.walker();
        let wanted = Wanted {
            scene: &self.scene,
            item,
            step,
            person: self.person,
            agent: &walker,
        };
        let mut found = place::places(self.map, &wanted, most)?;
        for spot in &mut found {
            tumble(&mut spot.place, step.action, item);
        }
        Ok(found.into_iter().map(Some).collect())
    }

    /// How an item is best taken to a spot: the way, the side on which the person takes it, and how both turn.
    fn taking(
        &mut self,
        item: &Item,
        step: &Step,
        alike: u32,
        spot: Option<Spot>,
        held: bool,
    ) -> Result<Taking, NavigationRefusal> {
        let walker = self.walker();
        let center = item.center().coords;
        let to = spot.map_or(center, |s| s.at());
        let route = self.route(item, step, center, to)?;
        let stands = if held {
            vec![(0.0, self.person)]
        } else {
            let leaves = route
                .points
                .iter()
                .map(|p| p - center)
                .find(|d| d.norm() > 0.3)
                .and_then(|d| d.try_normalize(1e-3));
            let hull = Footprint::hull(item, [f32::MIN, f32::MAX]);
            let grasp = Grasp {
                item: item.id,
                center,
                hull: &hull,
                action: step.action,
                leaves,
                raised: item.place.position[2] > 0.05,
                without: &[],
            };
            stand::places(self.map, &walker, &grasp, self.person.position.into())
        };
        // Every turn at which it looks at the end as it should, and none where it is tilted or stays in the hands.
        let turns: Vec<f32> = match spot {
            Some(s) if s.place.rotation == item.place.rotation => (0..alike)
                .map(|k| {
                    let yaw = s.place.yaw + 360.0 * k as f32 / alike as f32;
                    (yaw - item.place.yaw + 180.0).rem_euclid(360.0) - 180.0
                })
                .collect(),
            _ => vec![0.0],
        };
        let height = |place: &ObjectPlace| place.position[2] > 0.05;
        let raised = [height(&item.place), spot.is_some_and(|s| height(&s.place))];
        let without = [item.id];
        let mut room = Room::new(self.map, &without, &route.points);
        let mut best: Option<(f32, PersonPlace, Turning, Pair)> = None;
        for (worse, stand) in stands {
            // A stand is no better than the way that the network knows best.
            let limit = (best.as_ref()).map_or(f32::INFINITY, |(cost, ..)| cost - AWKWARD * worse);
            if limit <= 0.0 {
                break;
            }
            let from = Vector2::from(stand.position);
            let turning = pair::turning(&mut room, &route.points, from, raised, limit);
            let Some((turning, pair)) = turning.and_then(|t| t.best(&turns).map(|pair| (t, pair)))
            else {
                continue;
            };
            if pair.cost < limit {
                best = Some((pair.cost + AWKWARD * worse, stand, turning, pair));
            }
        }
        let (_, stand, turning, pair) = best.ok_or_else(|| NavigationRefusal::OutOfReach {
            name: item.name.clone(),
        })?;
        let free = turns.iter().all(|turn| {
            let one = turning.best(&[*turn]);
            one.is_some_and(|one| one.blocked <= pair.blocked + CRAMPED / 2.0)
        });
        Ok(Taking {
            spot,
            route,
            stand,
            pair,
            free,
        })
    }

    /// The way of an item that is carried, pushed or pulled, and of who does it.
    fn route(
        &mut self,
        item: &Item,
        step: &Step,
        from: Vector2<f32>,
        to: Vector2<f32>,
    ) -> Result<Route, NavigationRefusal> {
        if (to - from).norm() < 1e-3 {
            return Ok(Route {
                points: vec![from, to],
                free: 0..2,
            });
        }
        let hull = Footprint::hull(item, [f32::MIN, f32::MAX]);
        let corners: Vec<Vector2<f32>> = hull.outlines().into_iter().flatten().collect();
        let wide = corners
            .iter()
            .map(|c| (c - from).norm())
            .fold(0.0, f32::max);
        // Carried lengthwise through a gap.
        let narrow = (0..36)
            .map(|k| {
                let angle = std::f32::consts::PI * k as f32 / 36.0;
                let way = Vector2::new(angle.cos(), angle.sin());
                corners
                    .iter()
                    .map(|c| (c - from).dot(&way).abs())
                    .fold(0.0, f32::max)
            })
            .fold(f32::INFINITY, f32::min);
        let person = self.walker().person;
        let height = item.height();
        let over = if step.action.lifts() || step.action == Action::PutDown {
            let middle = if step.manner.overhead {
                OVERHEAD + height / 2.0
            } else {
                carried(height / 2.0)
            };
            (middle - height / 2.0 - OVER).max(0.0)
        } else {
            0.0
        };
        let agent = |half: f32| Agent {
            person,
            carried: person.max(half + self.config.margin.clamp(0.0, 1.0)),
            over,
        };
        let without = [item.id];
        let ends = Ends {
            from,
            to,
            without: &without,
        };
        let (wide, narrow) = (agent(wide), agent(narrow));
        if let Some(route) = route::any(self.map, &wide, ends) {
            return Ok(route);
        }
        let goal = step.goal.as_ref();
        let place = goal.map_or_else(|| "that place".into(), |g| described(g, &self.scene));
        route::find(self.map, &narrow, ends)
            .map_err(|dead| no_way(dead, &item.name, &narrow, format!("a place {place}")))
    }

    /// What stands on an item.
    fn laden(&self, item: &Item) -> Option<String> {
        let top = item.place.position[2] + item.height();
        let hull = Footprint::hull(item, [f32::MIN, f32::MAX]);
        let on = self.scene.items.iter().find(|other| {
            let base = other.place.position[2];
            other.id != item.id
                && other.kind == ItemKind::Object
                && base > item.place.position[2] + 0.05
                && base < top + 0.03
                && self.scene.held != Some(other.id)
                && hull.contains(other.center().coords)
        });
        on.map(|other| other.name.clone())
    }
}

/// Whether an item that looks the same in so many ways is where it should go.
fn is_there(item: &Item, place: &ObjectPlace, alike: u32) -> bool {
    let way = Vector3::from(place.position) - Vector3::from(item.place.position);
    let ways = 360.0 / alike.max(1) as f32;
    let turn = (place.yaw - item.place.yaw).rem_euclid(ways);
    place.rotation == item.place.rotation
        && way.norm() < ALREADY.0
        && turn.min(ways - turn) < ALREADY.1
}

/// Where something is that a person holds before them.
fn in_hands(item: &Item, person: &PersonPlace) -> ObjectPlace {
    let facing = person.facing.to_radians();
    let ahead = Vector2::new(facing.cos(), facing.sin());
    let mut still = item.clone();
    still.place.position = [0.0; 3];
    let hull = Footprint::hull(&still, [f32::MIN, f32::MAX]);
    let corners = hull.outlines().into_iter().flatten();
    let depth = corners.map(|c| -c.dot(&ahead)).fold(0.0, f32::max);
    let at = Vector2::from(person.position) + ahead * (0.2 + depth);
    let height = (1.0 - item.height() / 2.0).clamp(0.15, IN_HANDS);
    ObjectPlace {
        position: [at.x, at.y, height],
        ..item.place
    }
}

/// Actions that leave an item lying, standing or upside down.
fn tumble(place: &mut ObjectPlace, action: Action, item: &Item) {
    let given = item
        .place
        .rotation
        .map_or_else(UnitQuaternion::identity, |q| {
            crate::scene::rotation(&ObjectPlace {
                rotation: Some(q),
                ..ObjectPlace::default()
            })
        });
    let about = |degrees: f32| {
        UnitQuaternion::from_axis_angle(&Vector3::x_axis(), degrees.to_radians()) * given
    };
    let turned = match action {
        Action::LayDown => about(90.0),
        Action::Flip => about(180.0),
        Action::PickUpFallen => UnitQuaternion::identity(),
        Action::Rotate => {
            place.yaw = (place.yaw + 90.0 + 180.0).rem_euclid(360.0) - 180.0;
            return;
        }
        _ => return,
    };
    let q = turned.coords;
    place.rotation = (turned != UnitQuaternion::identity()).then_some([q.x, q.y, q.z, q.w]);
}
