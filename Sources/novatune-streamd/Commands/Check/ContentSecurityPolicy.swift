import SigV4

/// The policies of a page (Content Security Policy Level 3). Each of them must allow what the page loads.
struct ContentSecurityPolicy {
    /// Sources by directive.
    private let policies: [[Substring: [Substring]]]

    /// - Parameter header: `Content-Security-Policy`, all its lines combined.
    init(_ header: String) {
        policies = header.lowercased().split(separator: ",").map { policy in
            policy.split(separator: ";").reduce(into: [:]) { directives, directive in
                let words = directive.split(whereSeparator: \.isWhitespace)
                guard let name = words.first, directives[name] == nil else { return }
                directives[name] = Array(words.dropFirst())
            }
        }
    }

    /// Whether a page loads from an origin what this directive is about. Paths of sources are not looked at.
    func allows(_ directive: String, _ origin: Endpoint, page: Endpoint) -> Bool {
        policies.allSatisfy { policy in
            guard let sources = policy[directive[...]] ?? policy["default-src"] else { return true }
            return sources.contains { Self.matches($0, origin, page) }
        }
    }

    /// Section 6.7.2.8, "Does url match expression in origin". `http` stands for `https`, too.
    private static func matches(_ source: Substring, _ origin: Endpoint, _ page: Endpoint) -> Bool {
        if source == "*" || source == "'self'" && origin.origin == page.origin { return true }
        let schemeEnd = source.firstRange(of: "://")
        let scheme = schemeEnd.map { source[..<$0.lowerBound] } ?? (source.last == ":" ? source.dropLast() : nil)
        let expected = scheme.map(String.init) ?? page.scheme.rawValue
        guard [origin.scheme.rawValue, "http"].contains(expected) else { return false }
        if source.last == ":" { return true }
        let authority = source[(schemeEnd?.upperBound ?? source.startIndex)...].prefix { $0 != "/" }
        let colon = authority.lastIndex { $0 == ":" }.flatMap { authority[$0...].contains("]") ? nil : $0 }
        let host = authority[..<(colon ?? authority.endIndex)]
        let isHost = host.hasPrefix("*.") ? origin.host.hasSuffix(host.dropFirst()) : origin.host == host
        return isHost && isPort(colon.map { authority[$0...].dropFirst() }, origin)
    }

    private static func isPort(_ port: Substring?, _ origin: Endpoint) -> Bool {
        guard let port else { return origin.effectivePort == (origin.scheme == .http ? 80 : 443) }
        return port == "*" || port == "\(origin.effectivePort)" || port == "80" && origin.effectivePort == 443
    }
}
