import Glibc
import HTTPClient
import KeyManagement
import OperatorSettings
import SigV4
import StreamIssuing
import StrictJSON

/// The first request, as a player makes it.
struct FirstURLStep: SetupStep {
    private static let limit = 65_536

    let context: SetupContext
    /// The file of a player's token, and a track of its user. Without both the request goes without a token.
    let token: SecretText?
    let track: String?
    let title = "first URL"
    let isTrial = true

    func describe() -> String {
        token == nil ? "asks \(origin) without a token" : "asks \(origin) for a URL, and for two bytes of the audio"
    }

    func isDone() -> Bool { false }

    /// The names that nginx answers may not lead to this machine yet, so the address is this machine's.
    private var origin: String {
        let settings = context.nginxSettings
        let scheme = settings["NOVATUNE_NGINX_SCHEME"] == "https" ? "https" : "http"
        let name = settings["NOVATUNE_NGINX_SERVER_NAME"]?.split(separator: " ").first.map { String($0) } ?? "_"
        let port = Self.port(settings["NOVATUNE_NGINX_LISTEN"] ?? "") ?? (scheme == "https" ? 443 : 80)
        let isUsual = port == (scheme == "https" ? 443 : 80)
        return "\(scheme)://\(name == "_" ? "127.0.0.1" : name)\(isUsual ? "" : ":\(port)")"
    }

    /// The address of this machine at which nginx answers it.
    static func address(_ listen: String) -> String {
        guard let first = listen.split(separator: " ").first, let colon = first.lastIndex(of: ":"),
            !first[colon...].contains("]")
        else { return "127.0.0.1" }
        let host = first[..<colon]
        return ["", "*", "0.0.0.0", "[::]"].contains(host) ? "127.0.0.1" : String(host)
    }

    static func port(_ listen: String) -> Int? {
        guard let first = listen.split(separator: " ").first else { return nil }
        guard let colon = first.lastIndex(of: ":"), !first[colon...].contains("]") else { return Int(first) }
        return Int(first[first.index(after: colon)...])
    }

    func apply() throws(SetupFailure) -> String {
        let settings = context.nginxSettings
        if settings["NOVATUNE_NGINX_PROXY_PROTOCOL_LISTEN"]?.isEmpty == false, settings["NOVATUNE_NGINX_LISTEN"] == nil
        {
            return
                "nginx takes the PROXY protocol alone, so ask through what speaks it: POST \(origin)/tracks/TRACK/stream"
        }
        guard let token, let track else {
            let answer = try post("00000000000000000000000000", nil, expecting: 401)
            guard answer.status == 401 else { throw unexpected(answer.status, 401, []) }
            return """
                \(origin) answers, as it should without a token, with 401. With a token of a listener, and a track of theirs: \
                curl -X POST \(origin)/tracks/TRACK/stream -H @FILE, where FILE has the line 'Authorization: Bearer TOKEN'
                """
        }
        let answer = try post(track, token, expecting: 200)
        guard answer.status == 200 else { throw unexpected(answer.status, 200, answer.body) }
        guard let url = (try? JSONReader.read(answer.body))?.objectValue?["streamUrl"]?.stringValue else {
            throw SetupFailure("\(origin) answers 200 without a URL", advice: "look which program answers there")
        }
        let audio = try get(url)
        guard audio.status == 206, audio.body.count == 2 else {
            throw SetupFailure(
                "the object store answers \(audio.status) to the URL, with \(audio.body.count) bytes instead of 2",
                advice: "'novatune-streamd check --config \(context.paths.settings)' says more about the store")
        }
        return "\(origin) has issued a URL, and the audio's first two bytes came from the store"
    }

    /// A reload of nginx goes on after its command has ended: its former workers answer for a moment.
    private func post(
        _ track: String, _ token: SecretText?, expecting status: Int
    ) throws(SetupFailure) -> HTTPResponse {
        for _ in 1...20 {
            if let answer = try? post(track, token), answer.status == status { return answer }
            _ = poll(nil, 0, 250)
        }
        return try post(track, token)
    }

    private func post(_ track: String, _ token: SecretText?) throws(SetupFailure) -> HTTPResponse {
        let client = HTTPClient()
        client.pin(origin, to: [Self.address(context.nginxSettings["NOVATUNE_NGINX_LISTEN"] ?? "")])
        let headers = token.map { [(name: "Authorization", value: "Bearer \($0.exposeSecret())")] } ?? []
        do {
            return try client.post(
                "\(origin)/tracks/\(track)/stream", headers: headers, body: [], timeout: .seconds(20),
                responseLimit: Self.limit)
        } catch {
            let advice =
                error.code == "tls"
                ? "the certificate must be valid for the host name, by an authority that this machine knows"
                : "journalctl -u nginx has what nginx says"
            throw SetupFailure("\(origin): \(error)", advice: advice)
        }
    }

    private func get(_ url: String) throws(SetupFailure) -> HTTPResponse {
        let authorities = context.text("NOVATUNE_S3_CA_FILE")
        let client = HTTPClient(TLSFiles(certificateAuthorities: authorities, addsToMachineAuthorities: true))
        do {
            return try client.get(
                url, headers: [(name: "Range", value: "bytes=0-1")], timeout: .seconds(20), responseLimit: Self.limit)
        } catch {
            throw SetupFailure(
                "the URL of the object store: \(error)",
                advice: "players reach the store at NOVATUNE_S3_PUBLIC_ENDPOINT: see that this machine does, too")
        }
    }

    /// A problem's title is the service's own text.
    private func unexpected(_ status: Int, _ expected: Int, _ body: [UInt8]) -> SetupFailure {
        let title = (try? JSONReader.read(body))?.objectValue?["title"]?.stringValue.map { ": \($0)" } ?? ""
        let advice =
            switch status {
            case 401:
                "'novatune-streamd token explain --config \(context.paths.settings)' says what is wrong with a token"
            case 403, 404, 409: "name a track that is Ready and the token's user may hear (--try-track)"
            case 503: "journalctl -u \(UnitsStep.service) has the reason"
            default: "look which site of nginx answers there: nginx -T"
            }
        return SetupFailure("\(origin) answers \(status)\(title), and \(expected) was expected", advice: advice)
    }
}
