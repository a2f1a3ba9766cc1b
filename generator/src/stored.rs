//! Templates and ISOs: stored images, present in zones.
//!
//! An image is in single zones, or region-wide (recorded with zone -1), or both. A
//! delete reaches its own zone and a region-wide copy; with zone 0 or -1 it
//! reaches everything. A bare metal template has size 0: it stores nothing and is
//! billed nothing, but is listed.

use cloudtally_model::{Instant, Millis, UsageTypeId};

use crate::{
    dice::{Dice, Subject},
    moments::LAST_ACTION,
    rows::{Happening, LineId, Name, Row},
    stage::{GIB, Stage, ZONES, zone_number},
    timeline::{Key, Meaning},
};

/// One of the two kinds of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Template,
    Iso,
}

/// The life of an image: its spread and its end.
#[derive(Clone, Copy, Debug)]
enum Life {
    /// Created in a zone, copied to the others, deleted zone by zone, and brought
    /// back to the first.
    ZoneByZone,
    /// Copied to the other zones, then deleted everywhere with zone 0.
    AtOnce,
    /// Region-wide, deleted as what it was recorded as: zone -1.
    RegionWide,
    /// Region-wide, deleted with the number of some zone.
    RegionWideDeletedInZone,
    /// In a zone and region-wide; the delete in that zone closes both.
    Mixed,
    /// Bare metal: size 0, in one zone, then deleted.
    BareMetal,
    /// Never deleted.
    Kept,
}

struct Image {
    kind: Kind,
    id: u32,
    account: u32,
    size: u64,
    virtual_size: u64,
    source_template: Option<u32>,
    /// (zone, timeline); zone 0 is region-wide.
    parts: Vec<(u32, LineId)>,
}

/// The zone number of a region-wide copy in the stream.
const REGION: i16 = -1;

impl Image {
    fn create(&mut self, stage: &mut Stage<'_>, at: Instant, zone: i16) {
        let happening = match self.kind {
            Kind::Template => Happening::TemplateCreate,
            Kind::Iso => Happening::IsoCreate,
        };
        let name = match self.kind {
            Kind::Template => Name::Template(self.id),
            Kind::Iso => Name::Iso(self.id),
        };
        self.appear(stage, at, zone, happening, name);
    }

    /// A copy's event has no name.
    fn copy(&mut self, stage: &mut Stage<'_>, at: Instant, zone: i16) {
        let happening = match self.kind {
            Kind::Template => Happening::TemplateCopy,
            Kind::Iso => Happening::IsoCopy,
        };
        self.appear(stage, at, zone, happening, Name::None);
    }

    fn appear(
        &mut self,
        stage: &mut Stage<'_>,
        at: Instant,
        zone: i16,
        happening: Happening,
        name: Name,
    ) {
        let part = u32::try_from(zone).unwrap_or(0);
        let line = match self.parts.iter().find(|(known, _)| *known == part) {
            Some((_, line)) => *line,
            None => {
                let usage_type = match self.kind {
                    Kind::Template => UsageTypeId::TEMPLATE,
                    Kind::Iso => UsageTypeId::ISO,
                };
                let line = stage.rows.line(usage_type, self.id, 0);
                self.parts.push((part, line));
                line
            }
        };
        let row = Row {
            name,
            template: self.source_template,
            size: Some(self.size),
            virtual_size: Some(self.virtual_size),
            ..Row::new(happening, at, self.account, zone, self.id)
        };
        let key = Key { size: Some(self.size), ..Key::of(self.account, part) };
        stage.rows.write(row, &[(line, Meaning::Begin(key))]);
    }

    /// Deletes with a zone number: what it reaches ends, or would end.
    fn delete(&self, stage: &mut Stage<'_>, at: Instant, zone: i16) {
        let happening = match self.kind {
            Kind::Template => Happening::TemplateDelete,
            Kind::Iso => Happening::IsoDelete,
        };
        let is_reached = |part: u32| zone <= 0 || part == 0 || u32::try_from(zone) == Ok(part);
        let mut meanings = Vec::new();
        for (part, line) in &self.parts {
            if is_reached(*part) {
                let is_open = stage.rows.is_open(*line);
                let meaning = if is_open { Meaning::End } else { Meaning::GhostEnd };
                meanings.push((*line, meaning));
            }
        }
        stage.rows.write(Row::new(happening, at, self.account, zone, self.id), &meanings);
    }
}

/// The instants of an image's life, spread over the window.
struct Steps {
    last: Option<Instant>,
}

impl Steps {
    fn next(&mut self, stage: &Stage<'_>, dice: &mut Dice) -> Instant {
        let window = stage.moments.window;
        let length_ms = window.end.since(window.start).0;
        // A midnight may be far; what no longer fits happens at the last moment.
        let latest = window.end - LAST_ACTION;
        let at = match self.last {
            None => {
                let wait = Millis(dice.below_ms(length_ms / 4));
                stage.moments.after(dice, window.start, wait).unwrap_or(latest)
            }
            Some(last) => {
                let wait = Millis(length_ms / 24 + dice.below_ms(length_ms / 16));
                let settled = stage.moments.after(dice, last, wait);
                settled.unwrap_or(latest).max(last + Millis::SECOND)
            }
        };
        self.last = Some(at);
        at
    }
}

/// The life of the `index`th image of a kind.
pub(crate) fn live(stage: &mut Stage<'_>, kind: Kind, index: u32) {
    const LIVES: [Life; 7] = [
        Life::ZoneByZone,
        Life::AtOnce,
        Life::RegionWide,
        Life::RegionWideDeletedInZone,
        Life::Mixed,
        Life::BareMetal,
        Life::Kept,
    ];
    let subject = match kind {
        Kind::Template => Subject::Template,
        Kind::Iso => Subject::Iso,
    };
    let mut dice = Dice::new(stage.options.seed, subject, index);
    // The first ones live one life each, so that a small history has them all.
    let life = match usize::try_from(index).ok().and_then(|index| LIVES.get(index)) {
        Some(life) => *life,
        None => dice.weighted(&[
            (4, Life::ZoneByZone),
            (3, Life::AtOnce),
            (2, Life::RegionWide),
            (1, Life::RegionWideDeletedInZone),
            (1, Life::Mixed),
            (2, Life::BareMetal),
            (12, Life::Kept),
        ]),
    };
    let is_nothing = matches!(life, Life::BareMetal) && kind == Kind::Template;
    let size = match kind {
        _ if is_nothing => 0,
        Kind::Template => dice.between(1, 20) * GIB + dice.below(GIB),
        Kind::Iso => dice.between(300, 4_500) << 20,
    };
    let mut image = Image {
        kind,
        id: stage.ids.image.next(),
        account: stage.accounts.some_active(&mut dice),
        size,
        virtual_size: if kind == Kind::Template { size.next_multiple_of(GIB) } else { size },
        source_template: (kind == Kind::Template && !is_nothing && dice.one_in(2)).then_some(101),
        parts: Vec::new(),
    };
    let [home, second, third] = {
        let turn = dice.index(ZONES.len());
        [0, 1, 2].map(|step| zone_number(ZONES[(turn + step) % ZONES.len()]))
    };

    let mut steps = Steps { last: None };
    let mut step = |stage: &mut Stage<'_>, dice: &mut Dice| steps.next(stage, dice);

    match life {
        Life::ZoneByZone => {
            let at = step(stage, &mut dice);
            image.create(stage, at, home);
            for zone in [second, third] {
                let at = step(stage, &mut dice);
                image.copy(stage, at, zone);
            }
            for zone in [home, second] {
                let at = step(stage, &mut dice);
                image.delete(stage, at, zone);
            }
            let at = step(stage, &mut dice);
            image.copy(stage, at, home);
        }
        Life::AtOnce => {
            let at = step(stage, &mut dice);
            image.create(stage, at, home);
            // Both copies in one second.
            let at = step(stage, &mut dice);
            image.copy(stage, at, second);
            image.copy(stage, at, third);
            let at = step(stage, &mut dice);
            image.delete(stage, at, second);
            let at = step(stage, &mut dice);
            image.delete(stage, at, 0);
        }
        Life::RegionWide | Life::RegionWideDeletedInZone => {
            let at = step(stage, &mut dice);
            image.create(stage, at, REGION);
            let at = step(stage, &mut dice);
            let zone = if matches!(life, Life::RegionWide) { REGION } else { third };
            image.delete(stage, at, zone);
            let at = step(stage, &mut dice);
            image.copy(stage, at, REGION);
        }
        Life::Mixed => {
            let at = step(stage, &mut dice);
            image.create(stage, at, home);
            let at = step(stage, &mut dice);
            image.copy(stage, at, REGION);
            let at = step(stage, &mut dice);
            image.copy(stage, at, second);
            let at = step(stage, &mut dice);
            image.delete(stage, at, home);
            let at = step(stage, &mut dice);
            image.delete(stage, at, 0);
        }
        Life::BareMetal => {
            let at = step(stage, &mut dice);
            image.create(stage, at, home);
            let at = step(stage, &mut dice);
            image.delete(stage, at, home);
        }
        Life::Kept => {
            let at = step(stage, &mut dice);
            image.create(stage, at, home);
            if dice.one_in(2) {
                let at = step(stage, &mut dice);
                image.copy(stage, at, second);
            }
        }
    }
}
