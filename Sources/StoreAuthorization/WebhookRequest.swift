/// The head of an HTTP/1.1 request (RFC 9112) that a store's HTTP client writes: as much of it as the webhook needs.
struct WebhookRequest: Equatable {
    enum Reading: Equatable {
        /// More must come. The client may wait for 100 (Continue) before it writes the body (RFC 9110 §10.1.1).
        case incomplete(expectsContinue: Bool)
        case complete(WebhookRequest)
        /// Not such a request, or longer than the limit.
        case refused
    }

    /// Where the body is in what was read, and where the request ends.
    let body: Range<Int>
    /// The values of `Authorization` and `X-Auth-Token`.
    let tokens: [[UInt8]]
    let keepsConnection: Bool

    /// - Parameter limit: head and body together, in bytes.
    static func read(_ bytes: Span<UInt8>, limit: Int) -> Reading {
        guard let end = endOfHead(bytes) else {
            return bytes.count < limit ? .incomplete(expectsContinue: false) : .refused
        }
        var lines = bytes.extracting(..<end).split(at: 0x0A)
        guard !lines.isEmpty else { return .refused }
        let words = lines.removeFirst().split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 3, words[0].elementsEqual("POST".utf8), words[2].elementsEqual("HTTP/1.1".utf8) else {
            return .refused
        }
        var (length, tokens, keeps, expects): (Int?, [[UInt8]], Bool, Bool) = (nil, [], true, false)
        for line in lines {
            guard let colon = line.firstIndex(of: 0x3A) else { return .refused }
            let value = trimmed(line[(colon + 1)...])
            switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
            case "content-length":
                guard length == nil, let number = decimal(value) else { return .refused }
                length = number
            case "transfer-encoding": return .refused
            case "authorization", "x-auth-token": tokens.append(Array(value))
            case "connection": keeps = keeps && String(decoding: value, as: UTF8.self).lowercased() != "close"
            case "expect": expects = true
            default: break
            }
        }
        let bodyEnd = end + (length ?? 0)
        guard bodyEnd <= limit else { return .refused }
        guard bodyEnd <= bytes.count else { return .incomplete(expectsContinue: expects && bytes.count == end) }
        return .complete(WebhookRequest(body: end..<bodyEnd, tokens: tokens, keepsConnection: keeps))
    }

    /// Behind the empty line.
    private static func endOfHead(_ bytes: Span<UInt8>) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 3..<bytes.count where bytes[index] == 0x0A {
            if bytes[index - 1] == 0x0D, bytes[index - 2] == 0x0A, bytes[index - 3] == 0x0D { return index + 1 }
        }
        return nil
    }

    private static func trimmed(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        let start = value.drop(while: isSpace)
        return start[..<((start.lastIndex { !isSpace($0) }).map { $0 + 1 } ?? start.startIndex)]
    }

    private static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...9).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}

extension Span<UInt8> {
    /// Lines without their ends; without the empty one at the end.
    fileprivate func split(at newline: UInt8) -> [ArraySlice<UInt8>] {
        let all = unsafe withUnsafeBufferPointer { unsafe Array($0) }
        return all.split(separator: newline).map { $0.last == 0x0D ? $0.dropLast() : $0 }.filter { !$0.isEmpty }
    }
}
