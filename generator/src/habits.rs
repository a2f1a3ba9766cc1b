//! Choice of the actions that virtual machines live through.

use cloudtally_model::{Instant, Millis};

use crate::{
    dice::{Dice, Subject},
    moments::LAST_ACTION,
    rows::Happening,
    stage::{Stage, ZONES},
    vm::{Ending, StartAs, State, Vm},
    volume::{Keep, Place, Resize},
};

const HOUR_MS: i64 = Millis::HOUR.0;
const DAY_MS: i64 = Millis::DAY.0;

#[derive(Clone, Copy, Debug)]
enum Habit {
    /// Runs on, with a change every few days.
    Steady,
    /// Stopped in the evening, started in the morning.
    Office,
    /// Lives for some hours.
    Batch,
    /// Always being worked on.
    Busy,
    /// Its first deployment fails.
    Failed,
}

/// The life of the `index`th VM. The first one goes through every action, so that
/// the smallest history has them all.
pub(crate) fn live(stage: &mut Stage<'_>, index: u32) {
    let mut dice = Dice::new(stage.options.seed, Subject::Vm, index);
    let place = Place { account: stage.accounts.some_active(&mut dice), zone: dice.pick(&ZONES) };
    let vm = Vm::new(stage, &mut dice, place);
    if index == 0 {
        let vm = vm.with_twin_nics(stage);
        return showcase(stage, &mut dice, vm);
    }
    let habit = dice.weighted(&[
        (45, Habit::Steady),
        (30, Habit::Office),
        (14, Habit::Batch),
        (10, Habit::Busy),
        (1, Habit::Failed),
    ]);
    // Two in three are there from the first day on.
    let window = stage.moments.window;
    let length_ms = window.end.since(window.start).0;
    let wait_ms = if dice.one_in(3) { dice.below_ms(length_ms) } else { dice.below_ms(DAY_MS) };
    let Some(born) = stage.moments.after(&mut dice, window.start, Millis(wait_ms)) else { return };
    let mut life = Life { stage, dice, vm };
    match habit {
        Habit::Failed => {
            life.vm.allocate(life.stage, &mut life.dice, born);
            let failed = born + Millis(life.dice.below_ms(30) * 1_000);
            life.vm.destroy(life.stage, failed, Ending::StopFirst);
        }
        Habit::Office => {
            let at = life.deploy(born);
            life.office(at);
        }
        Habit::Steady => {
            let at = life.deploy(born);
            life.go_on(at, 4 * DAY_MS);
        }
        Habit::Batch => {
            let at = life.deploy(born);
            let stay = Millis(HOUR_MS / 4 + life.dice.below_ms(30 * HOUR_MS));
            if let Some(at) = life.after(at, stay) {
                life.destroy(at);
            }
        }
        Habit::Busy => {
            let at = life.deploy(born);
            life.go_on(at, HOUR_MS * 12);
        }
    }
}

struct Life<'w, 'a> {
    stage: &'w mut Stage<'a>,
    dice: Dice,
    vm: Vm,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Stop,
    QuickRestart,
    Scale,
    Reboot,
    Snapshot,
    VmSnapshot,
    AddData,
    UploadData,
    Resize,
    DeleteData,
    Plug,
    Unplug,
    SwitchDefault,
    Reoffer,
    Destroy,
    Start,
    StartWithOffering,
    StartWithTemplate,
    Upgrade,
    Move,
}

impl Life<'_, '_> {
    fn after(&mut self, earlier: Instant, gap: Millis) -> Option<Instant> {
        self.stage.moments.after(&mut self.dice, earlier, gap)
    }

    fn deploy(&mut self, at: Instant) -> Instant {
        self.vm.allocate(self.stage, &mut self.dice, at);
        let wait = Millis(self.dice.below_ms(60) * 1_000);
        self.start(at + wait)
    }

    fn start(&mut self, at: Instant) -> Instant {
        let how = if self.dice.one_in(32) { StartAs::BeforeUnsaid } else { StartAs::Before };
        self.vm.start(self.stage, &mut self.dice, at, how)
    }

    fn destroy(&mut self, at: Instant) -> Instant {
        let how = if self.dice.one_in(4) { Ending::DestroyOnly } else { Ending::StopFirst };
        self.vm.destroy(self.stage, at, how)
    }

    /// Actions at random, on average `pace_ms` apart.
    fn go_on(&mut self, from: Instant, pace_ms: i64) {
        let mut last = from;
        loop {
            if self.vm.state == State::Destroyed {
                last = match self.afterlife(last) {
                    Some(at) => at,
                    None => return,
                };
                continue;
            }
            // A stopped VM waits less for its next action than a running one.
            let mean_ms = if self.vm.state == State::Stopped { pace_ms / 4 } else { pace_ms };
            let gap = Millis(1_000 + self.dice.below_ms(2 * mean_ms));
            let Some(at) = self.after(last, gap) else { return };
            let action = self.choose();
            last = self.act(action, at);
        }
    }

    fn choose(&mut self) -> Action {
        use Action::{
            AddData, DeleteData, Destroy, Move, Plug, QuickRestart, Reboot, Reoffer, Resize, Scale,
            Snapshot, Start, StartWithOffering, StartWithTemplate, Stop, SwitchDefault, Unplug,
            Upgrade, UploadData, VmSnapshot,
        };
        let data = u64::from(self.vm.has_data());
        let spare = u64::from(self.vm.has_spare_nic());
        match self.vm.state {
            State::Running => self.dice.weighted(&[
                (26, Stop),
                (5, QuickRestart),
                (8, Scale),
                (8, Reboot),
                (14, Snapshot),
                (2, VmSnapshot),
                (8, AddData),
                (2, UploadData),
                (8 * data, Resize),
                (5 * data, DeleteData),
                (3, Plug),
                (4 * spare, Unplug),
                (3 * spare, SwitchDefault),
                (3, Reoffer),
                (3, Destroy),
            ]),
            _ => self.dice.weighted(&[
                (60, Start),
                (6, StartWithOffering),
                (4, StartWithTemplate),
                (14, Upgrade),
                (6, Move),
                (4, Snapshot),
                (4 * data, Resize),
                (3 * data, DeleteData),
                (5, Destroy),
            ]),
        }
    }

    /// Does one action; the instant of its last event.
    fn act(&mut self, action: Action, at: Instant) -> Instant {
        let Self { stage, dice, vm } = self;
        match action {
            Action::Stop => return vm.stop(stage, at),
            Action::QuickRestart => {
                // STOP and START in one second: only the ids tell their order.
                vm.stop(stage, at);
                return self.start(at);
            }
            Action::Scale => vm.scale(stage, dice, at),
            Action::Reboot => {
                let what = if dice.one_in(3) { Happening::VmMigrate } else { Happening::VmReboot };
                vm.unmetered(stage, what, at);
            }
            Action::Snapshot => vm.snapshot(stage, dice, at, Keep::AsItComes),
            Action::VmSnapshot => {
                let what = if dice.one_in(3) {
                    Happening::VmSnapshotDelete
                } else {
                    Happening::VmSnapshotCreate
                };
                vm.vm_snapshot(stage, what, at);
            }
            Action::AddData => vm.add_data(stage, dice, at),
            Action::UploadData => return vm.upload_data(stage, dice, at),
            Action::Resize => {
                let what = dice.weighted(&[
                    (3, Resize::Size),
                    (2, Resize::SizeWithOfferingRepeated),
                    (2, Resize::Offering),
                    (3, Resize::Both),
                ]);
                vm.resize_data(stage, dice, at, what);
            }
            Action::DeleteData => vm.delete_data(stage, dice, at),
            Action::Plug => vm.plug(stage, dice, at),
            Action::Unplug => vm.unplug(stage, at),
            Action::SwitchDefault => vm.switch_default(stage, at),
            Action::Reoffer => vm.reoffer(stage, dice, at),
            Action::Destroy => return self.destroy(at),
            Action::Start => return self.start(at),
            Action::StartWithOffering => {
                return vm.start(stage, dice, at, StartAs::AnotherOffering);
            }
            Action::StartWithTemplate => {
                return vm.start(stage, dice, at, StartAs::AnotherTemplate);
            }
            Action::Upgrade => vm.upgrade(stage, dice, at),
            Action::Move => {
                let account = stage.accounts.another(dice, vm.account());
                vm.move_to(stage, dice, at, account);
            }
        }
        at
    }

    /// A destroyed VM is recovered within a day, or is gone; its data disks are
    /// deleted later, or never. The instant of the recovery.
    fn afterlife(&mut self, destroyed: Instant) -> Option<Instant> {
        if self.dice.one_in(4) {
            // Sometimes in the very second, as scripts do.
            let wait_ms = if self.dice.one_in(6) { 0 } else { self.dice.below_ms(DAY_MS) };
            let at = self.after(destroyed, Millis(wait_ms))?;
            self.vm.recover(self.stage, at);
            return Some(at);
        }
        let mut last = destroyed;
        while self.vm.has_data() && !self.dice.one_in(3) {
            let wait = Millis(self.dice.below_ms(2 * DAY_MS));
            last = self.after(last, wait)?;
            self.vm.delete_data(self.stage, &mut self.dice, last);
        }
        None
    }

    /// Stops about 18:00 and starts about 08:00 UTC, with some changes at night.
    fn office(&mut self, from: Instant) {
        let mut last = from;
        loop {
            let Some(at) = self.at_about(last, 18) else { return };
            if self.dice.one_in(80) {
                self.destroy(at);
                match self.afterlife(at) {
                    Some(recovered) => last = recovered,
                    None => return,
                }
            } else {
                last = self.vm.stop(self.stage, at);
            }
            if self.dice.one_in(25) {
                let Some(at) = self.after(last, Millis(HOUR_MS)) else { return };
                last = self.act(Action::Upgrade, at);
            }
            let Some(at) = self.at_about(last, 8) else { return };
            last = self.start(at);
            if self.dice.one_in(12)
                && let Some(at) = self.after(last, Millis(HOUR_MS))
                && self.at_about(at, 18).is_some()
            {
                let action = if self.dice.one_in(2) { Action::Snapshot } else { Action::Scale };
                last = self.act(action, at);
            }
        }
    }

    /// The next time it is about an hour of the day in UTC, more than an hour away.
    fn at_about(&mut self, last: Instant, hour: i64) -> Option<Instant> {
        let since_midnight = last.as_millis().rem_euclid(DAY_MS);
        let mut wait_ms = (hour * HOUR_MS - since_midnight).rem_euclid(DAY_MS);
        if wait_ms < HOUR_MS {
            wait_ms += DAY_MS;
        }
        let jitter = Millis(self.dice.below_ms(HOUR_MS) - HOUR_MS / 2);
        self.after(last, Millis(wait_ms) + jitter)
    }
}

/// Every action once, evenly over the window.
fn showcase(stage: &mut Stage<'_>, dice: &mut Dice, mut vm: Vm) {
    const STEPS: i64 = 32;
    let window = stage.moments.window;
    let mut step = 0;
    // The steps of the smallest window are 45 minutes apart.
    let mut next = || {
        step += 1;
        assert!(step < STEPS, "the showcase has fewer than {STEPS} steps");
        window.at(step, STEPS).min(window.end - LAST_ACTION)
    };

    vm.allocate(stage, dice, next());
    vm.start(stage, dice, next(), StartAs::Before);
    let at = next();
    vm.unmetered(stage, Happening::VmReboot, at);
    vm.unmetered(stage, Happening::VmMigrate, at);
    vm.vm_snapshot(stage, Happening::VmSnapshotCreate, at);
    vm.vm_snapshot(stage, Happening::VmSnapshotDelete, at + Millis::MINUTE);
    vm.security_group(stage, Happening::SecurityGroupAssign, at);
    vm.security_group(stage, Happening::SecurityGroupRemove, at + Millis::MINUTE);
    vm.scale(stage, dice, next());
    vm.snapshot(stage, dice, next(), Keep::For(Millis::HOUR));
    vm.snapshot(stage, dice, next(), Keep::AsItComes);
    vm.add_data(stage, dice, next());
    for what in [Resize::Size, Resize::SizeWithOfferingRepeated, Resize::Offering, Resize::Both] {
        vm.resize_data(stage, dice, next(), what);
    }
    vm.plug(stage, dice, next());
    vm.switch_default(stage, next());
    vm.reoffer(stage, dice, next());
    vm.unplug(stage, next());
    vm.upload_data(stage, dice, next());
    vm.stop(stage, next());
    vm.upgrade(stage, dice, next());
    vm.start(stage, dice, next(), StartAs::BeforeUnsaid);
    let at = next();
    vm.stop(stage, at);
    vm.start(stage, dice, at, StartAs::Before);
    vm.stop(stage, next());
    vm.start(stage, dice, next(), StartAs::AnotherOffering);
    vm.stop(stage, next());
    vm.start(stage, dice, next(), StartAs::AnotherTemplate);
    vm.destroy(stage, next(), Ending::DestroyOnly);
    vm.recover(stage, next());
    let account = stage.accounts.another(dice, vm.account());
    vm.move_to(stage, dice, next(), account);
    vm.start(stage, dice, next(), StartAs::Before);
    while vm.has_data() {
        vm.delete_data(stage, dice, window.end - LAST_ACTION);
    }
    vm.destroy(stage, window.end - LAST_ACTION + Millis::MINUTE, Ending::StopFirst);
}
