/// A command as it goes over the wire: an array of bulk strings (RESP protocol specification, "Sending commands to a Redis server").
struct RESPCommand {
    private(set) var bytes: [UInt8] = []

    init(_ name: String, _ arguments: [String]) {
        self.init(name, argumentCount: arguments.count)
        for argument in arguments { append(argument) }
    }

    /// Append exactly `argumentCount` arguments.
    init(_ name: String, argumentCount: Int, capacity: Int = 128) {
        bytes.reserveCapacity(capacity)
        startLine("*", argumentCount + 1)
        append(name)
    }

    mutating func append(_ argument: String) {
        startLine("$", argument.utf8.count)
        bytes.append(contentsOf: argument.utf8)
        endLine()
    }

    mutating func append(_ argument: [UInt8]) {
        startLine("$", argument.count)
        bytes.append(contentsOf: argument)
        endLine()
    }

    private mutating func startLine(_ kind: Unicode.Scalar, _ count: Int) {
        bytes.append(UInt8(ascii: kind))
        bytes.append(contentsOf: String(count).utf8)
        endLine()
    }

    private mutating func endLine() {
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }
}
