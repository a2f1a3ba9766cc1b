//! Volumes and their snapshots.

use cloudtally_model::{Instant, Millis, UsageTypeId};

use crate::{
    dice::Dice,
    rows::{Happening, LineId, Name, Row},
    stage::{DISK_OFFERINGS, GIB, Stage, zone_number},
    timeline::{Key, Meaning},
};

/// One volume of a VM.
pub(crate) struct Volume {
    id: u32,
    line: LineId,
    name: Name,
    /// Root and uploaded volumes have none.
    offering: Option<u32>,
    size: u64,
}

/// The zone and the owner of a volume.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) account: u32,
    pub(crate) zone: u32,
}

/// The lifetime of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Two in three are deleted after a while, the rest never.
    AsItComes,
    /// Deleted after this long.
    For(Millis),
}

/// The change that a resize makes. The event leaves empty what it does not change, except
/// that a plain change of size may repeat the offering.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resize {
    Size,
    SizeWithOfferingRepeated,
    Offering,
    Both,
}

impl Volume {
    /// The root volume of a VM: no disk offering, and in 4.2 no template either.
    pub(crate) fn root(stage: &mut Stage<'_>, vm: u32, size: u64) -> Self {
        Self::new(stage, Name::RootVolume(vm), None, size)
    }

    pub(crate) fn data(stage: &mut Stage<'_>, dice: &mut Dice) -> Self {
        let (offering, size) = (dice.pick(&DISK_OFFERINGS), dice.between(1, 40) * 5 * GIB);
        Self::new(stage, Name::None, Some(offering), size)
    }

    pub(crate) fn upload(stage: &mut Stage<'_>, dice: &mut Dice) -> Self {
        let size = dice.between(1, 30) * GIB + dice.below(GIB);
        let mut volume = Self::new(stage, Name::None, None, size);
        volume.name = Name::UploadedVolume(volume.id);
        volume
    }

    fn new(stage: &mut Stage<'_>, name: Name, offering: Option<u32>, size: u64) -> Self {
        let id = stage.ids.volume.next();
        let line = stage.rows.line(UsageTypeId::VOLUME, id, 0);
        let name = if name == Name::None { Name::DataVolume(id) } else { name };
        Self { id, line, name, offering, size }
    }

    pub(crate) fn is_open(&self, stage: &Stage<'_>) -> bool {
        stage.rows.is_open(self.line)
    }

    pub(crate) fn create(&self, stage: &mut Stage<'_>, at: Instant, place: Place) {
        self.open(stage, Happening::VolumeCreate, at, place);
    }

    pub(crate) fn open(
        &self,
        stage: &mut Stage<'_>,
        happening: Happening,
        at: Instant,
        place: Place,
    ) {
        let row = Row {
            name: self.name,
            offering: self.offering,
            size: Some(self.size),
            ..self.row(happening, at, place)
        };
        stage.rows.write(row, &[(self.line, Meaning::Begin(self.key(place)))]);
    }

    /// An uploaded volume that is attached gets a disk offering: a VOLUME.CREATE of
    /// what is open, which splits.
    pub(crate) fn adopt(&mut self, stage: &mut Stage<'_>, dice: &mut Dice, at: Instant, p: Place) {
        self.offering = Some(dice.pick(&DISK_OFFERINGS));
        self.create(stage, at, p);
    }

    pub(crate) fn delete(&self, stage: &mut Stage<'_>, at: Instant, place: Place) {
        let row = Row { name: self.name, ..self.row(Happening::VolumeDelete, at, place) };
        stage.rows.write(row, &[(self.line, Meaning::End)]);
    }

    pub(crate) fn resize(
        &mut self,
        stage: &mut Stage<'_>,
        dice: &mut Dice,
        at: Instant,
        (place, what): (Place, Resize),
    ) {
        if !matches!(what, Resize::Offering) {
            self.size += dice.between(1, 20) * 5 * GIB;
        }
        if matches!(what, Resize::Offering | Resize::Both) {
            let known = self.offering;
            let others = DISK_OFFERINGS.map(Some);
            self.offering = loop {
                let offering = dice.pick(&others);
                if offering != known {
                    break offering;
                }
            };
        }
        let (size, offering) = match what {
            Resize::Size => (Some(self.size), None),
            Resize::Offering => (None, self.offering),
            Resize::SizeWithOfferingRepeated | Resize::Both => (Some(self.size), self.offering),
        };
        let row =
            Row { name: self.name, offering, size, ..self.row(Happening::VolumeResize, at, place) };
        stage.rows.write(row, &[(self.line, Meaning::Change(self.key(place)))]);
    }

    /// A snapshot of the size of the volume, deleted after a while or never; it
    /// outlives the volume and stays with the account that took it.
    pub(crate) fn snapshot(
        &self,
        stage: &mut Stage<'_>,
        dice: &mut Dice,
        at: Instant,
        (place, keep): (Place, Keep),
    ) {
        let id = stage.ids.snapshot.next();
        let line = stage.rows.line(UsageTypeId::SNAPSHOT, id, 0);
        let zone = zone_number(place.zone);
        let create = Happening::SnapshotCreate;
        let row = Row {
            name: Name::Snapshot(id),
            size: Some(self.size),
            ..Row::new(create, at, place.account, zone, id)
        };
        let key = Key { size: Some(self.size), ..Key::of(place.account, place.zone) };
        stage.rows.write(row, &[(line, Meaning::Begin(key))]);
        let length_ms = stage.moments.window.end.since(stage.moments.window.start).0;
        let deleted = match keep {
            Keep::For(stay) => Some(at + stay),
            Keep::AsItComes if dice.one_in(3) => None,
            Keep::AsItComes => {
                let stay = Millis(Millis::SECOND.0 + dice.below_ms(length_ms / 3));
                stage.moments.after(dice, at, stay)
            }
        };
        if let Some(at) = deleted {
            // The size of the closing row is 0 or the volume's, and means nothing.
            let size = if dice.one_in(2) { 0 } else { self.size };
            let delete = Happening::SnapshotDelete;
            let row = Row {
                name: Name::Snapshot(id),
                size: Some(size),
                ..Row::new(delete, at, place.account, zone, id)
            };
            stage.rows.write(row, &[(line, Meaning::End)]);
        }
    }

    /// A VM snapshot: one event a volume, of a type that nothing meters.
    pub(crate) fn vm_snapshot(
        &self,
        stage: &mut Stage<'_>,
        at: Instant,
        (vm, number): (u32, u32),
        (place, happening): (Place, Happening),
    ) {
        let row = Row {
            name: Name::VmSnapshot(number),
            offering: self.offering,
            template: Some(self.id),
            size: Some(self.size / 4),
            ..Row::new(happening, at, place.account, zone_number(place.zone), vm)
        };
        stage.rows.write(row, &[]);
    }

    fn row(&self, happening: Happening, at: Instant, place: Place) -> Row {
        Row::new(happening, at, place.account, zone_number(place.zone), self.id)
    }

    fn key(&self, place: Place) -> Key {
        Key { offering: self.offering, size: Some(self.size), ..Key::of(place.account, place.zone) }
    }
}
