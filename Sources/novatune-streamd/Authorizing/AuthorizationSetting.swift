import FastCGI
import OperatorSettings
import StoreAuthorization

/// Settings of `novatune-streamd authorize` that no other command has.
enum AuthorizationSetting {
    static let listen = Setting<SocketAddress>(
        "NOVATUNE_AUTHORIZE_LISTEN", shownDefault: "inherited socket, else unix:/run/novatune/authorize.sock",
        "authorize: FastCGI socket for its health and metrics"
    ) { (text) throws(InvalidValue) in
        guard let address = SocketAddress(text) else {
            throw InvalidValue("not unix:/path (at most 107 bytes), fd:N or host:port")
        }
        return address
    }
    static let webhook = Setting<SocketAddress>(
        "NOVATUNE_AUTHORIZE_WEBHOOK", default: .tcp(host: "127.0.0.1", port: 8181), shownDefault: "127.0.0.1:8181",
        "authorize: where stores ask, by HTTP on this machine alone: Ceph sends secret keys. For stores elsewhere put a server "
            + "with TLS before it"
    ) { (text) throws(InvalidValue) in
        guard let address = SocketAddress(text), case .tcp(let host, _) = address else {
            throw InvalidValue("not 127.0.0.1:port or [::1]:port")
        }
        guard host == "::1" || host == "localhost" || host.hasPrefix("127.") else {
            throw InvalidValue("not an address of loopback, which stores' secret keys do not leave")
        }
        return address
    }
    static let token = Setting<[String]>(
        "NOVATUNE_AUTHORIZE_TOKEN", shownDefault: "required by authorize", handling: .secret,
        "authorize: what a store shows, at least 16 characters; two, separated by a comma, while it is replaced"
    ) { (text) throws(InvalidValue) in
        let tokens = text.split(separator: ",", omittingEmptySubsequences: false).map { String($0.trimmed) }
        let areLongEnough = tokens.allSatisfy {
            $0.utf8.count >= 16 && $0.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        }
        guard tokens.count <= 2, areLongEnough else {
            throw InvalidValue("not one or two of at least 16 visible characters of ASCII, without spaces")
        }
        return tokens
    }
    static let signers = Setting.list(
        "NOVATUNE_AUTHORIZE_SIGNER", shownDefault: "required by authorize",
        "authorize: the account that signs URLs, or several separated by commas: Ceph's user id (tenant$user with a tenant), MinIO's access key"
    )
    static let accounts = Setting<[AccountRule]>(
        "NOVATUNE_AUTHORIZE_ACCOUNTS", default: [], shownDefault: "none",
        "authorize: what other accounts may do, separated by spaces: account=action,action@bucket,bucket. MinIO goes by it alone, the owner included; "
            + "on Ceph each account's own policies decide on actions. An asterisk stands for all actions (at its end for those that begin "
            + "so) or all buckets; without @ the bucket is NOVATUNE_S3_BUCKET"
    ) { (text) throws(InvalidValue) in
        try text.split(separator: " ").map { (item) throws(InvalidValue) in
            guard let rule = AccountRule(item) else { throw InvalidValue("not account=action,action@bucket,bucket") }
            return rule
        }
    }
    static let poll = Setting.duration(
        "NOVATUNE_AUTHORIZE_POLL", .milliseconds(50) ... .seconds(10), default: .seconds(1),
        "authorize: how often it looks for revocations without a notification")
    static let maximumAge = Setting.duration(
        "NOVATUNE_AUTHORIZE_MAX_AGE", .seconds(1) ... .seconds(600), default: .seconds(30),
        "authorize: no URL is allowed while the database has not been read for so long; more than twice NOVATUNE_AUTHORIZE_POLL"
    )

    static let group = SettingGroup(
        "Authorisation of stores' requests",
        [
            listen.declaration, webhook.declaration, token.declaration, signers.declaration, accounts.declaration,
            poll.declaration, maximumAge.declaration,
        ])
}
