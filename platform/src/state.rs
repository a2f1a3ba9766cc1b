//! The states of all kinds, as 4.2 names them.

use crate::engine::states;
pub use crate::engine::{AccountState, EventState, ProjectState};

states! {
    /// The states of machines: instances, virtual routers and system VMs.
    pub enum MachineState {
        Stopped = "Stopped",
        Starting = "Starting",
        Running = "Running",
        Stopping = "Stopping",
        Migrating = "Migrating",
        /// Gone for its user, who can still recover it.
        Destroyed = "Destroyed",
        Expunging = "Expunging",
        Error = "Error",
    }

    /// The states of a volume.
    pub enum VolumeState {
        /// On no storage pool yet.
        Allocated = "Allocated",
        Ready = "Ready",
        Destroy = "Destroy",
        /// A file in the image store, on no storage pool yet.
        Uploaded = "Uploaded",
        UploadError = "UploadError",
    }

    /// The states of a snapshot.
    pub enum SnapshotState {
        Creating = "Creating",
        BackedUp = "BackedUp",
        Error = "Error",
    }

    /// The states of a copy of a template or an ISO in a zone.
    pub enum CopyState {
        Downloading = "Downloading",
        Ready = "Ready",
        Failed = "Failed",
    }

    /// The states of a host's agent.
    pub enum HostState {
        Up = "Up",
        Connecting = "Connecting",
        Disconnected = "Disconnected",
        Down = "Down",
        Alert = "Alert",
    }

    /// The states of a storage pool.
    pub enum PoolState {
        Up = "Up",
        PrepareForMaintenance = "PrepareForMaintenance",
        Maintenance = "Maintenance",
    }

    /// The states of a guest network.
    pub enum NetworkState {
        Allocated = "Allocated",
        Setup = "Setup",
        Implementing = "Implementing",
        Implemented = "Implemented",
        Shutdown = "Shutdown",
    }

    /// The states of a public IP address.
    pub enum AddressState {
        Allocated = "Allocated",
        /// Kept for an account and not acquired.
        Free = "Free",
    }

    /// The states of a rule on a public address, and of a VPN user.
    pub enum RuleState {
        Add = "Add",
        Active = "Active",
    }

    /// The states of a remote access VPN.
    pub enum VpnState {
        Added = "Added",
        Running = "Running",
    }

    /// The states of a VPC.
    pub enum VpcState {
        Enabled = "Enabled",
        /// Its deletion has begun.
        Inactive = "Inactive",
    }

    /// The states of a private gateway.
    pub enum GatewayState {
        Creating = "Creating",
        Ready = "Ready",
        Deleting = "Deleting",
    }

    /// The states of a VPN connection from site to site.
    pub enum ConnectionState {
        Pending = "Pending",
        Connected = "Connected",
        Disconnected = "Disconnected",
        Error = "Error",
    }

    /// The states of what an administrator switches on and off: physical networks, network
    /// offerings and service providers.
    pub enum SwitchState {
        Disabled = "Disabled",
        Enabled = "Enabled",
        /// Of a provider that is about to be removed.
        Shutdown = "Shutdown",
    }

    /// The states of an invitation to a project.
    pub enum InvitationState {
        Pending = "Pending",
        Completed = "Completed",
        Expired = "Expired",
        Declined = "Declined",
    }
}
