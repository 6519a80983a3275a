import BearerTokens
import OperatorSettings
import StrictJSON

/// What a provider says about itself (OpenID Connect Discovery 1.0 §3; RFC 8414 §2).
enum DiscoveryDocument {
    /// Where it may be, in the order in which they are tried: OpenID Connect Discovery 1.0 §4; RFC 8414 §3.1.
    static func urls(issuer: String) -> [String] {
        guard let origin = KeyLocation.Origin(issuer) else { return [] }
        let path = origin.rest.hasSuffix("/") ? String(origin.rest.dropLast()) : origin.rest
        return [
            "\(origin.text)\(path)/.well-known/openid-configuration",
            "\(origin.text)/.well-known/oauth-authorization-server\(path)",
        ]
    }

    /// The URL of its key set.
    /// - Throws: where the document is not that of `issuer`: it must name it byte by byte (RFC 8414 §3.3).
    static func keysURL(_ body: [UInt8], issuer: String) throws(KeyFetchFailure) -> String {
        let document: JSONObject?
        do { document = try JSONReader.read(body).objectValue } catch {
            throw .invalid("the discovery document is not JSON: \(error)")
        }
        guard let document else { throw .invalid("the discovery document is not a JSON object") }
        guard let stated = document["issuer"]?.stringValue else {
            throw .invalid("the discovery document has no issuer")
        }
        guard stated.utf8.elementsEqual(issuer.utf8) else {
            throw .invalid(
                "the discovery document is that of another issuer; set NOVATUNE_JWT_ISSUER to the one that it names, "
                    + "if that is yours: \(PlainText.shown(stated))")
        }
        guard let url = document["jwks_uri"]?.stringValue else {
            throw .invalid(
                "the discovery document has no jwks_uri; the provider signs with HS256, or its keys are a file")
        }
        do { try KeyLocation.require(url) } catch { throw .invalid("jwks_uri of the discovery document: \(error)") }
        // Another host's document must not send this service to a program of this host.
        let isSecure = KeyLocation.Origin(url)?.isSecure == true
        guard isSecure || KeyLocation.Origin(issuer)?.isSecure == false else {
            throw .invalid("jwks_uri of the discovery document is not https")
        }
        return url
    }
}

/// A text of another party, for a log line.
enum PlainText {
    static let length = 200

    static func shown(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(length).map { (0x20..<0x7F).contains($0.value) ? $0 : "?" }))
    }
}
