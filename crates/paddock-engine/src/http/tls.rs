//! The server's side of TLS: certificate and key, exchangeable while it runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::error::{EngineError, ErrorKind, Result};

/// A certificate with its key. New handshakes see a reloaded one at once.
pub struct Tls(ArcSwap<ServerConfig>);

impl Tls {
    /// Reads a certificate chain and its private key, both PEM.
    ///
    /// # Errors
    /// `Usage`, when one can't be read or they don't belong together.
    pub fn new(certificates: &[u8], key: &[u8]) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(ArcSwap::from_pointee(config(certificates, key)?))))
    }

    /// # Errors
    /// As [`Tls::new`]; the old certificate stays in use then.
    pub fn reload(&self, certificates: &[u8], key: &[u8]) -> Result<()> {
        self.0.store(Arc::new(config(certificates, key)?));
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.load_full())
    }
}

fn config(certificates: &[u8], key: &[u8]) -> Result<ServerConfig> {
    let usage = |what: &str, error: &dyn std::fmt::Display| {
        EngineError::new(ErrorKind::Usage, format!("can't use the TLS {what}: {error}"))
    };
    let chain = CertificateDer::pem_slice_iter(certificates).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| usage("certificate", &error))?;
    if chain.is_empty() {
        return Err(usage("certificate", &"the file has none").hint("it must be PEM, with the chain after it"));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| usage("key", &error).hint("it must be PEM: PKCS#8, PKCS#1 or SEC1, without password"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| usage("certificate and key", &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
