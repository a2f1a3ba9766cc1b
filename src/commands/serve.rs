//! `serve`: the API and the schedule, until interrupted.

use std::{
    io,
    io::Write,
    net::{IpAddr, Ipv4Addr},
    process::ExitCode,
};

use cloudtally_platform::{engine::Start, tenants::Tenants};
use cloudtally_serve::{
    AdminPassword, Bound, KeyOrigin, NewCloud, OpenedCloud, Pace, ServeOptions, ensure_admin_keys,
    open_cloud, serve,
};
use cloudtally_store::{AdminKeys, Store};
use tokio::signal::unix::{SignalKind, signal};

use super::Context;
use crate::{
    cli::{ClockArgument, Serve},
    console,
    failure::Failure,
    service_manager,
};

pub(crate) fn run(context: &Context, arguments: &Serve) -> Result<ExitCode, Failure> {
    let store = context.open()?;
    let (keys, origin) = keys(&store)?;
    let start = if arguments.empty { Start::Empty } else { Start::Ready };
    let new = NewCloud { start, seed: arguments.seed };
    let ports = Ports {
        listen: &arguments.listen,
        integration: arguments.integration_listen,
        metrics: arguments.metrics.as_deref(),
    };
    let pace = pace(arguments);
    until_stopped(&store, &keys, new, pace, arguments.tenants, ports, |bound, password| {
        println!("serving http://{}/client/api", bound.api);
        if let Some(address) = bound.metrics {
            println!("metrics http://{address}/metrics");
        }
        match origin {
            KeyOrigin::Generated => {
                println!("root admin keys, shown this once (`cloudtally keys` shows them again):");
                println!("  api key     {}", keys.api_key);
                println!("  secret key  {}", keys.secret_key);
            }
            KeyOrigin::Environment => println!("root admin keys are those of the environment"),
            KeyOrigin::Stored => println!("`cloudtally keys` shows the root admin keys"),
        }
        print_password(password);
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Seed of the tenants' decisions if none is given: they must be the same after a
/// restart.
const TENANTS_SEED: u64 = 1;

/// The clock that was asked for.
fn pace(arguments: &Serve) -> Pace {
    match arguments.clock {
        ClockArgument::Real => Pace::Real,
        ClockArgument::Sim => Pace::Simulated { speed: arguments.speed, start: arguments.start },
    }
}

/// Tells the root admin's password if it is told at all.
pub(crate) fn print_password(password: &AdminPassword) {
    match password {
        AdminPassword::Kept => {}
        AdminPassword::Environment => {
            println!("root admin `admin` has the password of the environment");
        }
        AdminPassword::Generated(password) => {
            println!("root admin `admin`, password shown this once:");
            println!("  password    {password}");
        }
    }
}

/// The addresses to listen on.
#[derive(Clone, Copy)]
pub(crate) struct Ports<'a> {
    listen: &'a str,
    integration: IpAddr,
    metrics: Option<&'a str>,
}

impl<'a> Ports<'a> {
    /// The port without authentication stays on this machine.
    pub(crate) fn at(listen: &'a str) -> Self {
        Self { listen, integration: Ipv4Addr::LOCALHOST.into(), metrics: None }
    }
}

/// The keys in force, made if there are none.
pub(crate) fn keys(store: &Store) -> Result<(AdminKeys, KeyOrigin), Failure> {
    Ok(ensure_admin_keys(&console::writer(store)?)?)
}

/// Opens the cloud, or begins it as `new` says, and serves until the process is
/// told to stop; `ready` is told the address and the root admin's password.
///
/// A signal that comes before this ends the process as it ends any other command:
/// nothing is served yet, and a wait for the folder's lock shall be one Ctrl-C
/// long. From here on it ends the server, also while that still starts.
pub(crate) fn until_stopped(
    store: &Store,
    keys: &AdminKeys,
    new: NewCloud,
    pace: Pace,
    tenants: u32,
    ports: Ports<'_>,
    ready: impl FnOnce(Bound, &AdminPassword),
) -> Result<(), Failure> {
    let OpenedCloud { cloud, clock, password } = open_cloud(store, new, pace, keys)?;
    let seed = new.seed.unwrap_or(TENANTS_SEED);
    let tenants = (tenants > 0).then(|| Tenants::new(seed, tenants, cloud.clock()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let options = ServeOptions {
        store: store.clone(),
        cloud,
        clock,
        tenants,
        listen: ports.listen.to_owned(),
        integration_listen: ports.integration,
        metrics: ports.metrics.map(str::to_owned),
    };
    let told = |bound| {
        ready(bound, &password);
        // Programs that start us wait for these lines, also in a pipe.
        drop(io::stdout().flush());
        service_manager::ready();
    };
    runtime.block_on(async {
        let stop = stop_signal()?;
        tokio::spawn(service_manager::live());
        serve(options, told, stop).await?;
        Ok(())
    })
}

/// Done when the process is interrupted or asked to terminate.
///
/// Both signals are caught once this returns. `tokio::signal::ctrl_c` would catch
/// its own only when the future is first polled, which is after the server has
/// said that it serves: whoever answers that with a signal would kill it.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        service_manager::stopping();
    })
}
