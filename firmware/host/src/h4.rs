//! HCI over TCP, H4 framing: the transport to a controller that lives in another process.

use core::convert::Infallible;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;

use bt_hci::transport::{PacketKind, PacketToController, PacketToHost, Transport, WithIndicator};
use bt_hci_transport::ReadHciError;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;

const EVENT: u8 = 0x04;
const ACL_DATA: u8 = 0x02;
const PACKETS_QUEUED: usize = 64;

/// The link to the controller broke, or it said something that is not HCI.
#[derive(Debug)]
pub enum Error {
    /// The connection is closed.
    Closed,
    /// The bytes are not a known HCI packet.
    Malformed,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Closed => f.write_str("the controller closed the connection"),
            Self::Malformed => f.write_str("the controller sent a malformed packet"),
        }
    }
}

impl core::error::Error for Error {}

impl embedded_io::Error for Error {
    fn kind(&self) -> embedded_io::ErrorKind {
        match self {
            Self::Closed => embedded_io::ErrorKind::BrokenPipe,
            Self::Malformed => embedded_io::ErrorKind::InvalidData,
        }
    }
}

impl From<ReadHciError<Infallible>> for Error {
    fn from(_: ReadHciError<Infallible>) -> Self {
        Self::Malformed
    }
}

type Inbox = Channel<CriticalSectionRawMutex, Option<Vec<u8>>, PACKETS_QUEUED>;

/// An H4 connection to a controller. A thread reads; writes go out at once.
pub struct H4Tcp {
    inbox: Arc<Inbox>,
    out: Mutex<TcpStream>,
}

impl H4Tcp {
    /// Connect to the controller listening at `address` (`host:port`).
    ///
    /// # Errors
    /// When nothing listens there.
    pub fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let inbox = Arc::new(Inbox::new());
        let reader = stream.try_clone()?;
        let sink = Arc::clone(&inbox);
        thread::spawn(move || read_packets(reader, &sink));
        Ok(Self { inbox, out: Mutex::new(stream) })
    }
}

fn read_packets(mut stream: TcpStream, sink: &Inbox) {
    while let Ok(packet) = read_packet(&mut stream) {
        embassy_futures::block_on(sink.send(Some(packet)));
    }
    embassy_futures::block_on(sink.send(None));
}

fn read_packet(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut packet = vec![0];
    stream.read_exact(&mut packet)?;
    let (header, length_bytes) = match packet[0] {
        EVENT => (2, 1),
        ACL_DATA => (4, 2),
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    packet.resize(1 + header, 0);
    stream.read_exact(&mut packet[1..])?;
    let at = packet.len() - length_bytes;
    let length = packet[at..].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let body = packet.len();
    packet.resize(body + length, 0);
    stream.read_exact(&mut packet[body..])?;
    Ok(packet)
}

impl embedded_io::ErrorType for H4Tcp {
    type Error = Error;
}

impl Transport for H4Tcp {
    async fn read<'a, P: PacketToHost<'a>>(&self, rx: &'a mut [u8]) -> Result<P, Error> {
        let Some(packet) = self.inbox.receive().await else {
            return Err(Error::Closed);
        };
        let kind = if packet[0] == EVENT { PacketKind::Event } else { PacketKind::AclData };
        P::read_hci(kind, &mut &packet[1..], rx).map_err(|_| Error::Malformed)
    }

    async fn write<P: PacketToController>(&self, tx: &P) -> Result<(), Error> {
        let mut packet = Vec::with_capacity(1 + tx.size());
        WithIndicator::new(tx).write_hci(&mut packet).map_err(|_| Error::Malformed)?;
        let mut out = self.out.lock().map_err(|_| Error::Closed)?;
        out.write_all(&packet).map_err(|_| Error::Closed)
    }
}
