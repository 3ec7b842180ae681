//! The bytes of a connection: as they are, or TLS over them.

use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::network::Transport;

/// An open stream to a server, without TLS or with it. Its state is large, and most streams have none.
pub type Stream = Either<Transport, Box<TlsStream<Transport>>>;

/// The connection below.
pub(super) fn transport(stream: &Stream) -> &Transport {
    match stream {
        Either::Left(transport) => transport,
        Either::Right(tls) => tls.get_ref().0,
    }
}
