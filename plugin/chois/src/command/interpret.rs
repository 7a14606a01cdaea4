//! From clauses to steps: what verbs mean with their particles and places, and which clauses are one deed.

use nalgebra::Vector2;

use super::grammar::{Clause, NounPhrase, Place, Pronoun, clauses};
use super::ground::{Names, Referent, described, gap, gap_to, unusable};
use super::lexicon::{Person, Verb};
use super::refusal::CommandRefusal;
use super::similarity::Similarity;
use super::vocabulary::{NOUNS, known_noun, sentence};
use super::{
    Action, CommandParser, CommandPlan, Direction, Goal, MAX_COMMAND_CHARS, MAX_STEPS, Manner,
    Pace, Relation, Step, Target,
};
use crate::error::Result;
use crate::scene::{Item, ItemId, ItemKind, Mobility, Scene};
use crate::text::TextEncoder;

/// From this similarity on a thing goes by the name of what the network knows.
const SAME_NOUN: f32 = 0.55;

/// Understands English imperatives by grammar, and finds what they speak of in the scene.
///
/// With a sentence encoder it knows "luggage" for a suitcase; without one it knows names, synonyms and a small list of
/// household words. It never guesses between two things: it asks.
pub struct Grammar {
    similarity: Option<Similarity>,
}

impl Grammar {
    /// With a sentence encoder, such as [`crate::text::MiniLm`], or without.
    pub fn new(encoder: Option<Box<dyn TextEncoder>>) -> Self {
        Self {
            similarity: encoder.map(Similarity::new),
        }
    }

    /// What the network is to call an item.
    fn noun(&mut self, item: &Item) -> Result<String, CommandRefusal> {
        if let Some(noun) = known_noun(item) {
            return Ok(noun.to_owned());
        }
        let name = item.name.to_lowercase();
        let mut best: Option<(f32, &str)> = None;
        if let Some(similarity) = &mut self.similarity {
            for (noun, others) in NOUNS {
                for known in others.iter().chain(std::iter::once(&noun)) {
                    let score = similarity.between(&name, known).map_err(unusable)?;
                    if best.is_none_or(|(other, _)| score > other) {
                        best = Some((score, noun));
                    }
                }
            }
        }
        Ok(match best {
            Some((score, noun)) if score >= SAME_NOUN => noun.to_owned(),
            _ => name,
        })
    }
}

impl CommandParser for Grammar {
    /// Encodes the names of a scene; a fresh name takes about as long as a sentence. Without an encoder there is nothing to
    /// do.
    fn prepare(&mut self, scene: &Scene) -> Result<()> {
        let Some(similarity) = &mut self.similarity else {
            return Ok(());
        };
        for (noun, _) in NOUNS {
            similarity.prepare(noun)?;
        }
        Names::new(scene)
            .texts()
            .try_for_each(|text| similarity.prepare(text))
    }

    fn understand(&mut self, text: &str, scene: &Scene) -> Result<CommandPlan, CommandRefusal> {
        readable(text)?;
        scene.validate().map_err(unusable)?;
        let names = Names::new(scene);
        let clauses = clauses(text, &names.known())?;
        let mut reading = Reading {
            names: &names,
            similarity: &mut self.similarity,
            deeds: Vec::new(),
            focus: Vec::new(),
            mentioned: Vec::new(),
            forbidden: false,
        };
        reading.read(&clauses)?;
        let mut plan = reading.plan()?;
        plan.check(scene)?;
        for step in &mut plan.steps {
            if let Some(item) = step.object.and_then(|id| scene.item(id)) {
                let noun = self.noun(item)?;
                step.sentence = sentence(step.action, &noun, &step.manner);
            }
        }
        Ok(plan)
    }
}

/// Refuses what is no sentence of this language before anything is read into it.
fn readable(text: &str) -> Result<(), CommandRefusal> {
    let length = text.chars().count();
    if length > MAX_COMMAND_CHARS {
        return Err(CommandRefusal::too_many_characters(length));
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    // Latin letters end with the Latin Extended-B block.
    let foreign = text
        .chars()
        .filter(|c| c.is_alphabetic() && *c > '\u{24f}')
        .count();
    if letters > 0 && foreign * 5 > letters {
        return Err(CommandRefusal::not_understood("only English is read"));
    }
    if letters == 0 {
        return Err(CommandRefusal::nothing("no word is in it"));
    }
    if let Some(c) = text
        .chars()
        .find(|c| "{}<>[]\\|=`$*_~^@#".contains(*c) || (c.is_control() && !c.is_whitespace()))
    {
        return Err(CommandRefusal::not_understood(format!(
            "{c:?} has no place in a sentence"
        )));
    }
    Ok(())
}

/// Something to do with one or several items.
#[derive(Clone, Debug)]
struct Deed {
    action: Action,
    items: Vec<ItemId>,
    goal: Option<Goal>,
    facing: Option<Target>,
    manner: Manner,
    /// Whether a later clause may still say more of it.
    open: bool,
}

struct Reading<'a> {
    names: &'a Names<'a>,
    similarity: &'a mut Option<Similarity>,
    deeds: Vec<Deed>,
    /// The items spoken of last.
    focus: Vec<ItemId>,
    mentioned: Vec<ItemId>,
    /// Whether something was said not to be done.
    forbidden: bool,
}

impl Reading<'_> {
    fn scene(&self) -> &Scene {
        self.names.scene
    }

    fn resolve(&mut self, noun: &NounPhrase) -> Result<Referent, CommandRefusal> {
        self.names
            .resolve(noun, &self.focus, &self.mentioned, self.similarity)
    }

    fn read(&mut self, clauses: &[Clause]) -> Result<(), CommandRefusal> {
        for (i, clause) in clauses.iter().enumerate() {
            if clause.of_body {
                continue;
            }
            if clause.negated {
                self.forbid(clause)?;
                continue;
            }
            // "Hold and turn the tripod": the first verb shares the object of the second.
            let mut clause = clause.clone();
            let takes = clause.verb.is_some_and(takes_object);
            if takes && clause.objects.is_empty() && !clause.of_part && clause.places.is_empty() {
                let shared = clauses.get(i + 1).filter(|next| !next.objects.is_empty());
                if let Some(next) = shared {
                    clause.objects.clone_from(&next.objects);
                }
            }
            self.clause(clause)?;
        }
        Ok(())
    }

    /// "Don't move" is an order to stand still; "don't kick the box" is nothing to do.
    fn forbid(&mut self, clause: &Clause) -> Result<(), CommandRefusal> {
        let still = matches!(
            clause.verb,
            Some(Verb::Move | Verb::Go | Verb::Run | Verb::Come)
        );
        self.forbidden = true;
        if still && clause.objects.is_empty() && clause.places.is_empty() {
            self.push(Deed::of(Action::Stop, Vec::new(), clause.manner))?;
        }
        Ok(())
    }

    fn clause(&mut self, mut clause: Clause) -> Result<(), CommandRefusal> {
        let p = clause.particles;
        let fallen = take_fallen(&mut clause);
        let Some(verb) = clause.verb else {
            return self.verbless(clause);
        };
        let no_object = clause.objects.is_empty() && !clause.of_part;
        let has_place = !clause.places.is_empty();
        // What a person does with empty hands.
        let person = match verb {
            Verb::Stop => Some(Action::Stop),
            Verb::Stay => Some(Action::Stop),
            Verb::Stand | Verb::Hold if p.still => Some(Action::Stop),
            Verb::Come | Verb::Go | Verb::Run if p.back && !has_place => Some(Action::ComeBack),
            Verb::Return if no_object && !has_place => Some(Action::ComeBack),
            Verb::Come | Verb::Go | Verb::Run | Verb::Return | Verb::Move
                if no_object && clause.places == [Place::Home] =>
            {
                Some(Action::ComeBack)
            }
            Verb::Come | Verb::Go | Verb::Run => Some(Action::Walk),
            Verb::Move | Verb::Return | Verb::Stand if no_object && has_place => Some(Action::Walk),
            _ => None,
        };
        if let Some(action) = person {
            return self.person(action, verb, clause);
        }
        let action = match verb {
            _ if fallen => Action::PickUpFallen,
            Verb::Move | Verb::Carry | Verb::Bring | Verb::Leave | Verb::Remove => Action::Carry,
            Verb::Take => Action::PickUp,
            Verb::Lift => Action::PickUp,
            Verb::Hold => Action::Hold,
            Verb::Put if p.upright => Action::PickUpFallen,
            Verb::Put if p.flat && !has_place => Action::LayDown,
            Verb::Put if p.back && !p.down && !has_place => {
                clause.places.push(Place::Home);
                Action::Carry
            }
            Verb::Put | Verb::Drop => Action::PutDown,
            Verb::Push => Action::Push,
            Verb::Slide if p.foot => Action::Kick,
            Verb::Slide => Action::Push,
            Verb::Pull => Action::Pull,
            Verb::Drag => Action::Drag,
            Verb::Kick => Action::Kick,
            Verb::Turn if p.upside_down => Action::Flip,
            Verb::Turn | Verb::Face => Action::Rotate,
            Verb::Tilt => Action::Tilt,
            Verb::Tip if p.over => Action::LayDown,
            Verb::Tip => Action::Tilt,
            Verb::Flip => Action::Flip,
            Verb::Swing => Action::Swing,
            Verb::Lay => Action::LayDown,
            Verb::Stand if has_place => Action::Carry,
            Verb::Stand => Action::PickUpFallen,
            Verb::Return => Action::Carry,
            Verb::Come | Verb::Go | Verb::Run | Verb::Stop | Verb::Stay => Action::Walk,
        };
        self.deed(action, verb, clause)
    }

    /// "Both chairs to the window."
    fn verbless(&mut self, clause: Clause) -> Result<(), CommandRefusal> {
        if clause.objects.is_empty() {
            return Err(CommandRefusal::nothing("no action is named"));
        }
        let object = &clause.objects[0];
        let found = self.resolve(object);
        let said = object.determiner.is_some() || object.pronoun.is_some();
        if !said && !self.names.knows(object) {
            return Err(CommandRefusal::not_understood(format!(
                "\"{}\" is no action that I know",
                described(object)
            )));
        }
        match found {
            // Words that nothing here is called by, and no action: not a command.
            Err(CommandRefusal::UnknownObject { words, .. })
                if !said || clause.places.is_empty() =>
            {
                Err(CommandRefusal::not_understood(format!(
                    "\"{words}\" is no action that I know"
                )))
            }
            Err(refusal) => Err(refusal),
            Ok(_) if clause.places.is_empty() => Err(CommandRefusal::nothing(format!(
                "what is to be done with \"{}\" is not said",
                described(object)
            ))),
            Ok(_) => self.deed(Action::Carry, Verb::Carry, clause),
        }
    }

    fn person(&mut self, action: Action, verb: Verb, clause: Clause) -> Result<(), CommandRefusal> {
        let mut deed = Deed::of(action, Vec::new(), clause.manner);
        if action == Action::Walk {
            if verb == Verb::Run {
                deed.manner.pace = Pace::Quick;
            }
            let target = clause.objects.first().cloned();
            let place = match (clause.places.last(), target) {
                (Some(place), _) => Some(place.clone()),
                // "Approach the plant."
                (None, Some(noun)) => Some(Place::To(Relation::At, vec![noun])),
                (None, None) => match clause.from {
                    Some(from) => Some(Place::To(Relation::AwayFrom, vec![from])),
                    None if verb == Verb::Come => Some(Place::To(Relation::At, vec![speaker()])),
                    None => None,
                },
            };
            if let Some(place) = place {
                deed.goal = self.goal(&place, &[], clause.distance)?;
            }
        }
        let target = match deed.goal.as_ref().map(|goal| &goal.targets[..]) {
            Some([Target::Item(id)]) => Some(*id),
            _ => None,
        };
        let before = self.deeds.len();
        self.push(deed)?;
        // "Walk to the box, lift it." What is carried there stays what is spoken of.
        if self.deeds.len() > before {
            self.focus.splice(.., target);
        }
        Ok(())
    }

    fn deed(
        &mut self,
        mut action: Action,
        verb: Verb,
        mut clause: Clause,
    ) -> Result<(), CommandRefusal> {
        let items = self.objects(action, verb, &mut clause)?;
        if items.is_empty() && action.needs_object() {
            return Err(CommandRefusal::nothing(format!(
                "what to {} is not said",
                action.name().replace('_', " ")
            )));
        }
        if let (None, Some(from)) = (clause.places.last(), &clause.from) {
            clause
                .places
                .push(Place::To(Relation::AwayFrom, vec![from.clone()]));
        }
        let mut place = clause.places.last().cloned();
        match (place.is_some(), verb) {
            (false, Verb::Bring) => {
                place = Some(match clause.recipient {
                    Some(Person::Listener) => Place::To(Relation::At, vec![listener()]),
                    None if clause.particles.over => Place::Here,
                    _ => Place::To(Relation::At, vec![speaker()]),
                });
            }
            (false, Verb::Take) => {
                place = clause.recipient.map(|to| match to {
                    Person::Speaker => Place::To(Relation::At, vec![speaker()]),
                    Person::Listener => Place::To(Relation::At, vec![listener()]),
                });
            }
            (false, Verb::Return) => place = Some(Place::Home),
            (false, Verb::Remove) => place = Some(Place::OutOfTheWay),
            (false, _) if clause.particles.out && action != Action::PutDown => {
                place = Some(Place::OutOfTheWay);
            }
            _ => (),
        }
        // "It" in the place is what was spoken of before this clause; "the other one" is like the object.
        self.mentioned.extend(&items);
        let goal = match &place {
            Some(place) => self.goal(place, &items, clause.distance)?,
            None => None,
        };
        if goal.is_some() && matches!(action, Action::PickUp | Action::Hold) {
            action = Action::Carry;
        }
        let pushable = |id: &ItemId| {
            let item = self.scene().item(*id);
            item.is_some_and(|item| item.mobility == Mobility::Pushable)
        };
        if verb == Verb::Move && !items.is_empty() && items.iter().all(pushable) {
            action = Action::Push;
        }
        let facing = match &clause.facing {
            Some(noun) => match self.resolve(noun)? {
                Referent::Items(ids) => ids.first().map(|id| Target::Item(*id)),
                Referent::Place(target) => Some(target),
                Referent::Floor | Referent::Ceiling | Referent::Itself => None,
            },
            None => None,
        };
        if !items.is_empty() {
            self.focus.clone_from(&items);
        }
        self.push(Deed {
            action,
            items,
            goal,
            facing,
            manner: clause.manner,
            open: true,
        })
    }

    /// The items that a clause speaks of. Takes places away from the clause that tell which item is meant.
    fn objects(
        &mut self,
        action: Action,
        verb: Verb,
        clause: &mut Clause,
    ) -> Result<Vec<ItemId>, CommandRefusal> {
        let mut items = Vec::new();
        // "Place the legs back down."
        if clause.objects.is_empty() && (clause.of_part || action.needs_object()) {
            items.clone_from(&self.focus);
            if items.is_empty() && clause.of_part {
                items.extend(self.scene().held);
            }
            return Ok(items);
        }
        // Verbs that leave a thing where it is have no place to bring it to: "lift the box on the table".
        let stays = matches!(
            action,
            Action::PickUp
                | Action::Hold
                | Action::Rotate
                | Action::Tilt
                | Action::Swing
                | Action::PickUpFallen
        );
        let which = |place: &Place| {
            matches!(
                place,
                Place::To(
                    Relation::On
                        | Relation::Under
                        | Relation::NextTo
                        | Relation::Near
                        | Relation::InFrontOf
                        | Relation::Behind
                        | Relation::LeftOf
                        | Relation::RightOf,
                    _
                )
            )
        };
        let first = clause.places.first().filter(|place| which(place));
        let tells = match clause.places.len() {
            0 => false,
            1 => stays && (verb != Verb::Take || self.asks_for_more(&clause.objects[0])),
            _ => true,
        };
        if let (true, Some(Place::To(relation, to))) = (tells, first.cloned().as_ref())
            && let Some(noun) = clause.objects.first_mut()
        {
            clause.places.remove(0);
            noun.whereabouts
                .extend(to.iter().map(|to| (*relation, to.clone())));
        }
        // "The box from the table."
        if let (Some(from), Some(noun)) = (&clause.from, clause.objects.first_mut())
            && noun.pronoun.is_none()
        {
            let on = self
                .names
                .resolve(from, &self.focus, &self.mentioned, self.similarity)?;
            let surface = match on {
                Referent::Items(ids) => self.names.scene.item(ids[0]).is_some_and(|i| i.surface),
                _ => false,
            };
            if surface {
                noun.whereabouts.push((Relation::On, from.clone()));
            }
        }
        for noun in &clause.objects {
            let put_down = action == Action::PutDown
                && matches!(
                    noun.pronoun,
                    Some(Pronoun::It | Pronoun::Held | Pronoun::Them)
                );
            match self.resolve(noun) {
                Ok(Referent::Items(ids)) => items.extend(ids),
                // What is in the hands need not be named.
                Err(CommandRefusal::NoReferent { .. }) if put_down => (),
                Ok(Referent::Itself) => {
                    return Err(CommandRefusal::NoReferent {
                        word: "itself".into(),
                    });
                }
                Ok(Referent::Place(_) | Referent::Floor | Referent::Ceiling) => {
                    return Err(CommandRefusal::nothing(format!(
                        "\"{}\" is no thing that can be moved",
                        described(noun)
                    )));
                }
                Err(refusal) => return Err(refusal),
            }
        }
        items.dedup();
        Ok(items)
    }

    /// Whether a noun phrase alone leaves open which item is meant.
    fn asks_for_more(&mut self, noun: &NounPhrase) -> bool {
        matches!(self.resolve(noun), Err(CommandRefusal::Ambiguous { .. }))
    }

    /// A place as a goal; none for the floor as a whole.
    fn goal(
        &mut self,
        place: &Place,
        items: &[ItemId],
        distance: Option<f32>,
    ) -> Result<Option<Goal>, CommandRefusal> {
        let at = |relation, target| {
            Ok(Some(Goal {
                relation,
                targets: vec![target],
                distance,
            }))
        };
        match place {
            Place::Here => at(Relation::At, Target::Here),
            Place::There => at(Relation::At, Target::There),
            Place::Home => at(Relation::At, Target::Home),
            Place::OutOfTheWay => {
                let from = if self.scene().speaker.is_some() {
                    Target::Here
                } else {
                    Target::Listener
                };
                at(Relation::AwayFrom, from)
            }
            Place::SideOf(person, side) => {
                let relation = match side {
                    Direction::Left => Relation::LeftOf,
                    Direction::Right => Relation::RightOf,
                    Direction::Forward => Relation::InFrontOf,
                    Direction::Back => Relation::Behind,
                };
                let target = match person {
                    Person::Speaker => Target::Speaker,
                    Person::Listener => Target::Listener,
                };
                at(relation, target)
            }
            Place::Way(way) => at(Relation::Toward, Target::Direction(*way)),
            Place::Inside(noun) => match self.resolve(noun)? {
                Referent::Place(target) => at(Relation::At, target),
                Referent::Floor => Ok(None),
                Referent::Items(ids) => {
                    let name = self.scene().item(ids[0]).map(|i| i.name.clone());
                    Err(CommandRefusal::contradictory(format!(
                        "putting one thing into another is not possible yet (the {})",
                        name.unwrap_or_default()
                    )))
                }
                Referent::Ceiling | Referent::Itself => {
                    Err(CommandRefusal::contradictory("nothing can be put in there"))
                }
            },
            Place::To(relation, nouns) => self.related(*relation, nouns, items, distance),
        }
    }

    fn related(
        &mut self,
        relation: Relation,
        nouns: &[NounPhrase],
        items: &[ItemId],
        distance: Option<f32>,
    ) -> Result<Option<Goal>, CommandRefusal> {
        let mut targets = Vec::new();
        for noun in nouns {
            // "It" beside an object of the same clause is what was spoken of before.
            match self.resolve(noun)? {
                Referent::Items(ids) => {
                    let several = relation == Relation::Between && nouns.len() == 1;
                    let ids = if several || ids.len() == 1 {
                        ids
                    } else {
                        vec![self.nearest(&ids, items)]
                    };
                    targets.extend(ids.into_iter().map(Target::Item));
                }
                Referent::Place(target) => targets.push(target),
                Referent::Floor
                    if matches!(relation, Relation::On | Relation::At | Relation::AwayFrom) =>
                {
                    return Ok(None);
                }
                Referent::Floor => {
                    return Err(CommandRefusal::contradictory(format!(
                        "no place is {} the floor",
                        relation.name().replace('_', " ")
                    )));
                }
                Referent::Ceiling => {
                    return Err(CommandRefusal::contradictory("the ceiling is out of reach"));
                }
                Referent::Itself => {
                    return Err(CommandRefusal::contradictory(
                        "a thing cannot be placed in relation to itself",
                    ));
                }
            }
        }
        // A wall is stood against, and one goes to it the same way.
        let wall = |target: &Target| match target {
            Target::Item(id) => self
                .scene()
                .item(*id)
                .is_some_and(|item| item.kind == ItemKind::Wall),
            _ => false,
        };
        let relation = match relation {
            Relation::At if !items.is_empty() && targets.iter().all(wall) => Relation::Against,
            other => other,
        };
        if relation == Relation::Between && targets.len() > 2 {
            targets.truncate(2);
        }
        if let Relation::InFrontOf | Relation::Behind | Relation::LeftOf | Relation::RightOf =
            relation
            && targets.is_empty()
        {
            return Ok(None);
        }
        Ok(Some(Goal {
            relation,
            targets,
            distance,
        }))
    }

    /// Of several targets, the nearest to what is moved.
    fn nearest(&self, ids: &[ItemId], to: &[ItemId]) -> ItemId {
        let scene = self.scene();
        let moved = to.first().and_then(|id| scene.item(*id));
        let listener = Vector2::from(scene.listener.position);
        let away = |id: &ItemId| match (scene.item(*id), moved) {
            (Some(item), Some(moved)) => gap(item, moved),
            (Some(item), None) => gap_to(item, listener),
            (None, _) => f32::INFINITY,
        };
        *ids.iter()
            .min_by(|a, b| away(a).total_cmp(&away(b)))
            .unwrap_or(&ids[0])
    }

    /// Adds a deed, or says more of the last.
    fn push(&mut self, new: Deed) -> Result<(), CommandRefusal> {
        if let Some(last) = self.deeds.last_mut()
            && last.joins(&new)
        {
            return Ok(());
        }
        if let Some(last) = self.deeds.last_mut() {
            last.open &= new.action == Action::Hold;
        }
        // "Put the lamp by the window": it has to be fetched first.
        let mut new = new;
        if new.action == Action::PutDown && !new.items.is_empty() && !self.has_in_hands(&new.items)
        {
            if new.goal.is_none() {
                return Err(CommandRefusal::nothing("it is in nobody's hands"));
            }
            new.action = Action::Carry;
        }
        self.deeds.push(new);
        Ok(())
    }

    /// Whether the person holds the items at this point of the command.
    fn has_in_hands(&self, items: &[ItemId]) -> bool {
        let taken = self.deeds.iter().rev().find_map(|deed| match deed.action {
            Action::PickUp | Action::Hold => Some(deed.items == items),
            Action::PutDown | Action::Carry => Some(false),
            _ => None,
        });
        taken.unwrap_or_else(|| items.iter().all(|id| self.scene().held == Some(*id)))
    }

    fn plan(self) -> Result<CommandPlan, CommandRefusal> {
        if self.deeds.is_empty() {
            return Err(CommandRefusal::nothing(if self.forbidden {
                "only what is not to be done is said"
            } else {
                "no action is named"
            }));
        }
        let mut steps = Vec::new();
        for deed in self.deeds {
            let objects: Vec<Option<ItemId>> = if deed.items.is_empty() {
                vec![None]
            } else {
                deed.items.iter().copied().map(Some).collect()
            };
            for object in objects {
                steps.push(Step {
                    action: deed.action,
                    object,
                    goal: deed.goal.clone(),
                    facing: deed.facing.clone(),
                    manner: deed.manner,
                    sentence: String::new(),
                });
            }
            if steps.len() > MAX_STEPS {
                return Err(CommandRefusal::TooLong {
                    length: steps.len(),
                    limit: MAX_STEPS,
                    unit: "steps".into(),
                });
            }
        }
        Ok(CommandPlan { steps })
    }
}

impl Deed {
    fn of(action: Action, items: Vec<ItemId>, manner: Manner) -> Self {
        Self {
            action,
            items,
            goal: None,
            facing: None,
            manner,
            open: false,
        }
    }

    /// Whether all that is said of its place is what it leaves.
    fn only_away(&self) -> bool {
        let relation = self.goal.as_ref().map(|goal| goal.relation);
        self.open && relation == Some(Relation::AwayFrom)
    }

    /// Takes a deed into this one where both are one: lifting, moving and putting down is carrying. Whether it did.
    fn joins(&mut self, new: &Self) -> bool {
        use Action as A;
        let same = self.items == new.items && !self.items.is_empty();
        let held = same || new.items.is_empty();
        let (action, goal) = match (self.action, new.action) {
            (A::PickUp, A::Carry) if same => (A::Carry, new.goal.clone()),
            (A::PickUp, A::PutDown) if held => (A::Carry, new.goal.clone()),
            (A::PickUp | A::Hold, A::Walk) if self.open => (A::Carry, new.goal.clone()),
            (A::PickUp, A::PickUp) if same => (A::PickUp, None),
            (
                A::PickUp | A::Hold,
                A::Rotate | A::Flip | A::Swing | A::Tilt | A::Push | A::Pull | A::Drag | A::LayDown,
            ) if same => (new.action, new.goal.clone()),
            (A::Carry, A::Carry) if same && self.goal.is_none() && self.open => {
                (A::Carry, new.goal.clone())
            }
            (A::Carry, A::Walk) if self.manner.overhead && self.goal.is_none() && self.open => {
                (A::Carry, new.goal.clone())
            }
            // "Take it off the desk and put it under the table."
            (A::Carry, A::Carry | A::PutDown) if same && self.only_away() && new.goal.is_some() => {
                (A::Carry, new.goal.clone())
            }
            // "Go stand behind the sofa."
            (A::Walk, A::Walk) if self.goal.is_none() => (A::Walk, new.goal.clone()),
            (A::PickUp | A::Hold | A::PutDown, _) => return false,
            (action, A::PutDown) if held && action.needs_object() => {
                if self.goal.is_some() && new.goal.is_some() {
                    return false;
                }
                (action, self.goal.clone().or(new.goal.clone()))
            }
            _ => return false,
        };
        // Once put down, more is another deed.
        self.open = new.action != A::PutDown;
        self.action = action;
        self.goal = goal;
        self.facing = self.facing.take().or(new.facing.clone());
        self.manner.join(&new.manner);
        true
    }
}

impl Manner {
    fn join(&mut self, other: &Self) {
        if other.pace != Pace::Usual {
            self.pace = other.pace;
        }
        if other.hands != super::Hands::Any {
            self.hands = other.hands;
        }
        self.careful |= other.careful;
        self.overhead |= other.overhead;
    }
}

fn speaker() -> NounPhrase {
    NounPhrase {
        pronoun: Some(Pronoun::Speaker),
        ..NounPhrase::default()
    }
}

fn listener() -> NounPhrase {
    NounPhrase {
        pronoun: Some(Pronoun::Listener),
        ..NounPhrase::default()
    }
}

fn takes_object(verb: Verb) -> bool {
    !matches!(
        verb,
        Verb::Come
            | Verb::Go
            | Verb::Run
            | Verb::Stop
            | Verb::Stay
            | Verb::Stand
            | Verb::Return
            | Verb::Drop
    )
}

/// Takes the word "fallen" out of what is spoken of.
fn take_fallen(clause: &mut Clause) -> bool {
    let Some(noun) = clause.objects.first_mut() else {
        return false;
    };
    let before = noun.words.len();
    if before > 1 {
        noun.words.retain(|w| w != "fallen" && w != "toppled");
    }
    noun.words.len() < before
}
