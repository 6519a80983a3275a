/// The records of one exchange as a web server has it (FastCGI 1.0 §3.3): the request's bytes, and the answer from them.
struct FastCGIAnswer: Equatable {
    /// Of the CGI header `Status`; 200 without one (RFC 3875 §6.3.3).
    var status: Int
    var body: [UInt8]

    /// A request of a few short parameters, without a body; the connection ends with its answer.
    static func request(_ parameters: KeyValuePairs<String, String>) -> [UInt8] {
        var pairs: [UInt8] = []
        for (name, value) in parameters {
            precondition(name.utf8.count < 128 && value.utf8.count < 128, "a length of one byte")
            pairs += [UInt8(name.utf8.count), UInt8(value.utf8.count)] + Array(name.utf8) + Array(value.utf8)
        }
        let responder: [UInt8] = [0, 1, 0, 0, 0, 0, 0, 0]
        return record(.beginRequest, responder) + record(.parameters, pairs) + record(.parameters, [])
            + record(.standardInput, [])
    }

    private static func record(_ kind: RecordKind, _ content: [UInt8]) -> [UInt8] {
        precondition(content.count < 65_536, "longer than a record")
        return [1, kind.rawValue, 0, 1, UInt8(content.count >> 8), UInt8(content.count & 0xFF), 0, 0] + content
    }

    private enum RecordKind: UInt8 {
        case beginRequest = 1
        case endRequest = 3
        case parameters = 4
        case standardInput = 5
        case standardOutput = 6
        case standardError = 7
    }

    /// The answer, as soon as all of it has arrived; nil where more must arrive.
    static func read(_ bytes: [UInt8]) throws(GateError) -> FastCGIAnswer? {
        var output: [UInt8] = []
        var position = 0
        while position + 8 <= bytes.count {
            guard bytes[position] == 1, let kind = RecordKind(rawValue: bytes[position + 1]) else {
                throw GateError.notFastCGI
            }
            let length = Int(bytes[position + 4]) << 8 | Int(bytes[position + 5])
            let content = position + 8
            let next = content + length + Int(bytes[position + 6])
            guard next <= bytes.count else { return nil }
            switch kind {
            case .standardOutput: output += bytes[content..<content + length]
            case .standardError: break
            case .endRequest: return try FastCGIAnswer(output)
            case .beginRequest, .parameters, .standardInput: throw GateError.notFastCGI
            }
            position = next
        }
        // What is no record need not be as long as one.
        if position < bytes.count, bytes[position] != 1 { throw GateError.notFastCGI }
        return nil
    }

    private init(_ output: [UInt8]) throws(GateError) {
        let end = Array("\r\n\r\n".utf8)
        guard let head = output.indices.first(where: { output[$0...].starts(with: end) }) else {
            throw GateError.notFastCGI
        }
        let fields = String(decoding: output[..<head], as: UTF8.self).split(whereSeparator: \.isNewline)
        let line = fields.first { $0.lowercased().hasPrefix("status:") }
        guard let line else {
            self.init(status: 200, body: Array(output[(head + 4)...]))
            return
        }
        let code = line.dropFirst(7).drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }
        guard let status = Int(code), (100...599).contains(status) else { throw GateError.notFastCGI }
        self.init(status: status, body: Array(output[(head + 4)...]))
    }

    init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}
