//! Actions on a virtual machine, each with its events in the order
//! in which the real server writes them, and with their meaning for the bill.
//!
//! Every action takes its instant and returns the instant of its last event. Which
//! actions a VM lives through is decided in `habits`.

use cloudtally_model::{Instant, Millis, UsageTypeId};

use crate::{
    dice::Dice,
    rows::{Happening, Label, LineId, Name, Row},
    stage::{GIB, NETWORK_OFFERINGS, PUBLIC_TEMPLATES, SERVICE_OFFERINGS, Stage, zone_number},
    timeline::{Key, Meaning},
    volume::{Keep, Place, Resize, Volume},
};

/// The state of a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Stopped,
    Destroyed,
}

/// The way a VM starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartAs {
    /// As it is.
    Before,
    /// As it is, with an event that says neither offering nor template.
    BeforeUnsaid,
    /// With another offering that no VM.UPGRADE announced.
    AnotherOffering,
    /// Restored from another template.
    AnotherTemplate,
}

/// The way a VM is destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// VM.STOP and the removal of its NICs come first if it runs.
    StopFirst,
    /// VM.DESTROY alone closes running time and NICs.
    DestroyOnly,
}

struct Nic {
    id: u32,
    offering: u32,
    line: LineId,
    flag: u64,
}

/// A virtual machine with its disks and NICs.
pub(crate) struct Vm {
    id: u32,
    account: u32,
    zone: u32,
    hypervisor: &'static str,
    offering: u32,
    template: u32,
    pub(crate) state: State,
    running: LineId,
    allocated: LineId,
    root: Volume,
    data: Vec<Volume>,
    nics: Vec<Nic>,
    /// Timelines of NICs it no longer has: a DESTROY would still close them.
    former_nics: Vec<LineId>,
}

impl Vm {
    /// A VM that does not exist yet, with its root volume and its NICs.
    pub(crate) fn new(stage: &mut Stage<'_>, dice: &mut Dice, place: Place) -> Self {
        let id = stage.ids.vm.next();
        let mut vm = Self {
            id,
            account: place.account,
            zone: place.zone,
            hypervisor: dice.pick(&["XenServer", "KVM", "VMware"]),
            offering: dice.pick(&SERVICE_OFFERINGS),
            template: dice.pick(&PUBLIC_TEMPLATES),
            state: State::Destroyed,
            running: stage.rows.line(UsageTypeId::RUNNING_VM, id, 0),
            allocated: stage.rows.line(UsageTypeId::ALLOCATED_VM, id, 0),
            root: Volume::root(stage, id, dice.between(8, 40) * GIB),
            data: Vec::new(),
            nics: Vec::new(),
            former_nics: Vec::new(),
        };
        let first = dice.pick(&NETWORK_OFFERINGS);
        vm.add_nic(stage, first, 1);
        if dice.one_in(3) {
            // Often a second NIC on the same offering: two bills, not one of 48 h.
            let second = if dice.one_in(2) { first } else { dice.pick(&NETWORK_OFFERINGS) };
            vm.add_nic(stage, second, 0);
        }
        vm
    }

    /// Gives the VM that does not exist yet a second NIC on the offering of the first.
    pub(crate) fn with_twin_nics(mut self, stage: &mut Stage<'_>) -> Self {
        if self.nics.len() == 1 {
            self.add_nic(stage, self.nics[0].offering, 0);
        }
        self.nics[1].offering = self.nics[0].offering;
        self
    }

    fn add_nic(&mut self, stage: &mut Stage<'_>, offering: u32, flag: u64) {
        let id = stage.ids.nic.next();
        let line = stage.rows.line(UsageTypeId::NETWORK_OFFERING, self.id, id);
        self.nics.push(Nic { id, offering, line, flag });
    }

    pub(crate) fn has_data(&self) -> bool {
        !self.data.is_empty()
    }

    pub(crate) fn has_spare_nic(&self) -> bool {
        self.nics.len() > 1
    }

    // ---- Birth and death

    /// Disks, then the VM; it is stopped.
    pub(crate) fn allocate(&mut self, stage: &mut Stage<'_>, dice: &mut Dice, at: Instant) {
        self.root.create(stage, at, self.place());
        if dice.one_in(3) {
            self.add_data(stage, dice, at);
        }
        let created = self.row(Happening::VmCreate, at);
        let begin = Meaning::Begin(self.key());
        stage.rows.write(created, &[(self.allocated, begin)]);
        if dice.one_in(5) {
            self.security_group(stage, Happening::SecurityGroupAssign, at);
        }
        self.state = State::Stopped;
    }

    /// Destroys it; the root disk goes with it, data disks stay.
    pub(crate) fn destroy(&mut self, stage: &mut Stage<'_>, at: Instant, how: Ending) -> Instant {
        if self.state == State::Running && how == Ending::StopFirst {
            self.stop(stage, at);
        }
        self.end(stage, at);
        self.root.delete(stage, at, self.place());
        self.state = State::Destroyed;
        at
    }

    /// VM.DESTROY and what it means: allocated time ends, running time and NICs end
    /// if they are open, and would if they looked open.
    fn end(&mut self, stage: &mut Stage<'_>, at: Instant) {
        let nics = self.nics.iter().map(|nic| nic.line);
        let lines = nics.chain(self.former_nics.iter().copied()).chain([self.running]);
        let mut meanings = vec![(self.allocated, Meaning::End)];
        for line in lines {
            let is_open = stage.rows.is_open(line);
            meanings.push((line, if is_open { Meaning::End } else { Meaning::GhostEnd }));
        }
        let row = self.row(Happening::VmDestroy, at);
        stage.rows.write(row, &meanings);
    }

    /// Brings back a destroyed VM, stopped, with its root disk.
    pub(crate) fn recover(&mut self, stage: &mut Stage<'_>, at: Instant) {
        let row = self.row(Happening::VmCreate, at);
        let begin = Meaning::Begin(self.key());
        stage.rows.write(row, &[(self.allocated, begin)]);
        self.root.create(stage, at, self.place());
        self.state = State::Stopped;
    }

    /// Moves a stopped VM to another account: destroyed and created at one instant,
    /// with all its disks. It may get new NICs.
    pub(crate) fn move_to(
        &mut self,
        stage: &mut Stage<'_>,
        dice: &mut Dice,
        at: Instant,
        account: u32,
    ) {
        let old = self.place();
        self.end(stage, at);
        self.root.delete(stage, at, old);
        for volume in &self.data {
            volume.delete(stage, at, old);
        }
        self.account = account;
        if dice.one_in(2) {
            let old_nics = std::mem::take(&mut self.nics);
            for nic in old_nics {
                self.add_nic(stage, nic.offering, nic.flag);
                self.former_nics.push(nic.line);
            }
        }
        self.root.create(stage, at, self.place());
        for volume in &self.data {
            volume.create(stage, at, self.place());
        }
        let row = self.row(Happening::VmCreate, at);
        let begin = Meaning::Begin(self.key());
        stage.rows.write(row, &[(self.allocated, begin)]);
    }

    // ---- Running and stopped

    /// Assigns the NICs, then starts a little later or in the same second.
    pub(crate) fn start(
        &mut self,
        stage: &mut Stage<'_>,
        dice: &mut Dice,
        at: Instant,
        how: StartAs,
    ) -> Instant {
        for index in 0..self.nics.len() {
            self.assign(stage, Happening::NetworkOfferingAssign, at, index);
        }
        let boot = Millis(if dice.one_in(3) { 0 } else { dice.below_ms(90) * 1_000 });
        let at = at + boot;
        match how {
            StartAs::Before | StartAs::BeforeUnsaid => {}
            StartAs::AnotherOffering => self.offering = self.another_offering(dice),
            StartAs::AnotherTemplate => {
                self.template = another(dice, &PUBLIC_TEMPLATES, self.template)
            }
        }
        let mut row = self.row(Happening::VmStart, at);
        if how == StartAs::BeforeUnsaid {
            (row.offering, row.template) = (None, None);
        }
        let mut meanings = vec![(self.running, Meaning::Begin(self.key()))];
        if matches!(how, StartAs::AnotherOffering | StartAs::AnotherTemplate) {
            meanings.push((self.allocated, Meaning::Change(self.key())));
        }
        stage.rows.write(row, &meanings);
        self.state = State::Running;
        at
    }

    /// VM.STOP, which says nothing but who and where, then its NICs.
    pub(crate) fn stop(&mut self, stage: &mut Stage<'_>, at: Instant) -> Instant {
        let row = Row {
            offering: None,
            template: None,
            label: Label::None,
            ..self.row(Happening::VmStop, at)
        };
        stage.rows.write(row, &[(self.running, Meaning::End)]);
        for index in 0..self.nics.len() {
            self.remove(stage, Happening::NetworkOfferingRemove, at, index);
        }
        self.state = State::Stopped;
        at
    }

    /// Another offering while stopped. Running time is over; if its STOP was lost,
    /// the reader of the stream splits it here.
    pub(crate) fn upgrade(&mut self, stage: &mut Stage<'_>, dice: &mut Dice, at: Instant) {
        self.offering = self.another_offering(dice);
        let row = self.row(Happening::VmUpgrade, at);
        let key = self.key();
        let meanings =
            [(self.allocated, Meaning::Change(key)), (self.running, Meaning::GhostChange(key))];
        stage.rows.write(row, &meanings);
    }

    /// Another offering while running; the event does not say the template.
    pub(crate) fn scale(&mut self, stage: &mut Stage<'_>, dice: &mut Dice, at: Instant) {
        self.offering = self.another_offering(dice);
        let row = Row { template: None, ..self.row(Happening::VmDynamicScale, at) };
        let change = Meaning::Change(self.key());
        stage.rows.write(row, &[(self.allocated, change), (self.running, change)]);
    }

    // ---- NICs

    /// Plugs a NIC into the running VM.
    pub(crate) fn plug(&mut self, stage: &mut Stage<'_>, dice: &mut Dice, at: Instant) {
        self.add_nic(stage, dice.pick(&NETWORK_OFFERINGS), 0);
        self.assign(stage, Happening::NetworkOfferingCreate, at, self.nics.len() - 1);
    }

    /// Unplugs the last NIC of the running VM.
    pub(crate) fn unplug(&mut self, stage: &mut Stage<'_>, at: Instant) {
        self.remove(stage, Happening::NetworkOfferingDelete, at, self.nics.len() - 1);
        if let Some(nic) = self.nics.pop() {
            self.former_nics.push(nic.line);
        }
        if let Some(first) = self.nics.first_mut() {
            first.flag = 1;
        }
    }

    /// Another default NIC: both are removed and assigned again at one instant.
    pub(crate) fn switch_default(&mut self, stage: &mut Stage<'_>, at: Instant) {
        for index in [0, 1] {
            self.remove(stage, Happening::NetworkOfferingRemove, at, index);
        }
        (self.nics[0].flag, self.nics[1].flag) = (self.nics[1].flag, self.nics[0].flag);
        for index in [0, 1] {
            self.assign(stage, Happening::NetworkOfferingAssign, at, index);
        }
    }

    /// The network behind the first NIC gets another offering: removed and assigned,
    /// or assigned only, which splits.
    pub(crate) fn reoffer(&mut self, stage: &mut Stage<'_>, dice: &mut Dice, at: Instant) {
        if !dice.one_in(4) {
            self.remove(stage, Happening::NetworkOfferingRemove, at, 0);
        }
        self.nics[0].offering = another(dice, &NETWORK_OFFERINGS, self.nics[0].offering);
        self.assign(stage, Happening::NetworkOfferingAssign, at, 0);
    }

    fn assign(&mut self, stage: &mut Stage<'_>, what: Happening, at: Instant, index: usize) {
        let nic = &self.nics[index];
        let key = Key { offering: Some(nic.offering), ..Key::of(self.account, self.zone) };
        let row = self.nic_row(what, at, nic, nic.flag);
        stage.rows.write(row, &[(nic.line, Meaning::Begin(key))]);
    }

    fn remove(&mut self, stage: &mut Stage<'_>, what: Happening, at: Instant, index: usize) {
        let nic = &self.nics[index];
        let row = self.nic_row(what, at, nic, 0);
        stage.rows.write(row, &[(nic.line, Meaning::End)]);
    }

    // ---- Disks

    /// A new data disk.
    pub(crate) fn add_data(&mut self, stage: &mut Stage<'_>, dice: &mut Dice, at: Instant) {
        let volume = Volume::data(stage, dice);
        volume.create(stage, at, self.place());
        self.data.push(volume);
    }

    /// An uploaded disk, attached at once or never.
    pub(crate) fn upload_data(
        &mut self,
        stage: &mut Stage<'_>,
        dice: &mut Dice,
        at: Instant,
    ) -> Instant {
        let mut volume = Volume::upload(stage, dice);
        volume.open(stage, Happening::VolumeUpload, at, self.place());
        let attached = at + Millis(dice.below_ms(200) * 1_000);
        if dice.one_in(2) {
            volume.adopt(stage, dice, attached, self.place());
        }
        self.data.push(volume);
        attached
    }

    /// Changes a data disk.
    pub(crate) fn resize_data(
        &mut self,
        stage: &mut Stage<'_>,
        dice: &mut Dice,
        at: Instant,
        what: Resize,
    ) {
        let place = self.place();
        let index = dice.index(self.data.len());
        self.data[index].resize(stage, dice, at, (place, what));
    }

    /// Deletes a data disk, whatever the VM does.
    pub(crate) fn delete_data(&mut self, stage: &mut Stage<'_>, dice: &mut Dice, at: Instant) {
        let volume = self.data.swap_remove(dice.index(self.data.len()));
        volume.delete(stage, at, self.place());
    }

    /// A snapshot of the root disk or of a data disk.
    pub(crate) fn snapshot(&self, stage: &mut Stage<'_>, dice: &mut Dice, at: Instant, keep: Keep) {
        let data = if self.data.is_empty() || dice.one_in(2) {
            None
        } else {
            self.data.get(dice.index(self.data.len()))
        };
        let volume = data.unwrap_or(&self.root);
        if volume.is_open(stage) {
            volume.snapshot(stage, dice, at, (self.place(), keep));
        }
    }

    // ---- What nothing meters

    /// VM.REBOOT or VM.MIGRATE.
    pub(crate) fn unmetered(&self, stage: &mut Stage<'_>, what: Happening, at: Instant) {
        stage.rows.write(self.row(what, at), &[]);
    }

    /// VMSNAPSHOT.CREATE or .DELETE, one event a volume.
    pub(crate) fn vm_snapshot(&self, stage: &mut Stage<'_>, what: Happening, at: Instant) {
        let number = stage.ids.vm_snapshot.next();
        for volume in [&self.root].into_iter().chain(&self.data) {
            volume.vm_snapshot(stage, at, (self.id, number), (self.place(), what));
        }
    }

    /// SG.ASSIGN or SG.REMOVE.
    pub(crate) fn security_group(&self, stage: &mut Stage<'_>, what: Happening, at: Instant) {
        let row = Row {
            offering: Some(10),
            ..Row::new(what, at, self.account, zone_number(self.zone), self.id)
        };
        stage.rows.write(row, &[]);
    }

    // ---- Helpers

    pub(crate) fn account(&self) -> u32 {
        self.account
    }

    fn place(&self) -> Place {
        Place { account: self.account, zone: self.zone }
    }

    fn key(&self) -> Key {
        Key {
            offering: Some(self.offering),
            template: Some(self.template),
            ..Key::of(self.account, self.zone)
        }
    }

    fn row(&self, happening: Happening, at: Instant) -> Row {
        Row {
            name: Name::Vm(self.id),
            offering: Some(self.offering),
            template: Some(self.template),
            label: Label::Of(self.hypervisor),
            ..Row::new(happening, at, self.account, zone_number(self.zone), self.id)
        }
    }

    fn nic_row(&self, happening: Happening, at: Instant, nic: &Nic, flag: u64) -> Row {
        Row {
            name: Name::Nic(nic.id),
            offering: Some(nic.offering),
            size: Some(flag),
            ..Row::new(happening, at, self.account, zone_number(self.zone), self.id)
        }
    }

    fn another_offering(&self, dice: &mut Dice) -> u32 {
        another(dice, &SERVICE_OFFERINGS, self.offering)
    }
}

/// An item other than the one given; the items differ from each other.
fn another(dice: &mut Dice, items: &[u32], than: u32) -> u32 {
    let at = items.iter().position(|item| *item == than).unwrap_or(0);
    items[(at + 1 + dice.index(items.len() - 1)) % items.len()]
}
