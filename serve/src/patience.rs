//! A stream whose reader has to read: answers do not wait for ever for one who does not.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// The time that a reader may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Until it takes something again.
    pub(crate) for_some: Duration,
    /// Until it has taken all there is to take.
    pub(crate) for_all: Duration,
}

/// The patience with readers of answers.
pub(crate) const PATIENCE: Patience =
    Patience { for_some: Duration::from_secs(30), for_all: Duration::from_secs(15 * 60) };

/// A stream that breaks off when its reader takes too long.
#[derive(Debug)]
pub(crate) struct Patient<S> {
    stream: S,
    patience: Patience,
    /// The moment since which there is something to take.
    since: Option<Instant>,
    /// Ends the wait for the reader to take something.
    wait: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(crate) const fn new(stream: S, patience: Patience) -> Self {
        Self { stream, patience, since: None, wait: None }
    }

    /// Goes on with what came of a write; one that has to wait does so for a time.
    fn judge(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.wait = None;
            return written;
        }
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        let until = (now + self.patience.for_some).min(since + self.patience.for_all);
        let wait = self.wait.get_or_insert_with(|| Box::pin(sleep_until(until)));
        wait.as_mut().poll(context).map(|()| {
            let text = "the reader of an answer took too long";
            Err(io::Error::new(io::ErrorKind::TimedOut, text))
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Asked for once nothing is left to write.
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.since = None;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, io::Read as _};

    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A stream of ours and the reader at its other end.
    async fn pair(patience: Patience) -> (Patient<TcpStream>, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let reader = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (Patient::new(stream, patience), reader)
    }

    /// Writes until it fails; the kernel takes some megabytes first.
    async fn write_on(stream: &mut Patient<TcpStream>) -> io::Error {
        loop {
            let written = poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, &[0; 1 << 16])).await;
            if let Err(cause) = written {
                return cause;
            }
        }
    }

    #[tokio::test]
    async fn a_reader_who_takes_nothing_is_left() {
        let (for_some, for_all) = (Duration::from_millis(50), Duration::from_secs(3600));
        let (mut stream, _reader) = pair(Patience { for_some, for_all }).await;
        assert_eq!(write_on(&mut stream).await.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_reader_who_takes_ever_so_little_is_left_in_the_end() {
        let (for_some, for_all) = (Duration::from_secs(3600), Duration::from_millis(200));
        let (mut stream, mut reader) = pair(Patience { for_some, for_all }).await;
        // Goes on until the stream is closed.
        let reading = std::thread::spawn(move || {
            let mut some = vec![0; 1 << 14];
            while reader.read(&mut some).is_ok_and(|count| count > 0) {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        assert_eq!(write_on(&mut stream).await.kind(), io::ErrorKind::TimedOut);
        drop(stream);
        reading.join().unwrap();
    }
}
