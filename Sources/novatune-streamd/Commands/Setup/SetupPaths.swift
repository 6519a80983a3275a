/// The files that setup reads and writes.
struct SetupPaths: Sendable {
    /// The directory of the settings and of the key ring.
    var configuration = "/etc/novatune"
    /// The directory of nginx.conf.
    var nginx = "/etc/nginx"
    /// The account that the responder runs as, and its group.
    var account = "novatune"

    var settings: String { "\(configuration)/novatune.env" }
    var keyRing: String { "\(configuration)/keys.json" }
    /// Where `novatune-nginx` keeps what it was given.
    var nginxSettings: String { "\(configuration)/nginx.env" }
    /// What it has rendered, with a digest of each file.
    var nginxManifest: String { "\(configuration)/nginx.rendered" }
    /// What `nginx/render` was given, where it was called by itself.
    var nginxRecord: String { "\(nginx)/novatune/settings.env" }
    /// What setup has made, for a later run and for `--remove`.
    var record: String { "\(configuration)/setup.env" }
    var defaultSite: String { "\(nginx)/sites-enabled/default" }
}
