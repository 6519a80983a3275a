import CHiredis

/// A command on its way to the wire, where hiredis's formatter puts it (RESP protocol specification, "Sending commands
/// to a Redis server").
struct RESPCommand {
    let name: String
    /// The name and all arguments, one behind the other.
    private var words: [UInt8] = []
    private var lengths: [Int] = []

    /// - Parameter further: bytes of what will be appended, about.
    init(_ name: String, _ arguments: [String] = [], further: Int = 0) {
        self.name = name
        lengths.reserveCapacity(1 + arguments.count)
        words.reserveCapacity(arguments.reduce(name.utf8.count + further) { $0 + $1.utf8.count })
        append(name)
        for argument in arguments { append(argument) }
    }

    mutating func append(_ argument: String) {
        words.append(contentsOf: argument.utf8)
        lengths.append(argument.utf8.count)
    }

    mutating func append(_ argument: [UInt8]) {
        words.append(contentsOf: argument)
        lengths.append(argument.count)
    }

    /// As it goes over the wire.
    var bytes: [UInt8] {
        unsafe words.withUnsafeBytes { words in
            unsafe withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: lengths.count) { arguments in
                // An empty array has no address, and an empty word needs one.
                var next = unsafe words.baseAddress ?? UnsafeRawPointer(arguments.baseAddress!)
                for (index, length) in lengths.enumerated() {
                    unsafe arguments.initializeElement(at: index, to: next.assumingMemoryBound(to: CChar.self))
                    unsafe next += length
                }
                return unsafe Self.format(arguments, lengths)
            }
        }
    }

    private static func format(_ arguments: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>, _ lengths: [Int])
        -> [UInt8]
    {
        var target: sds?
        // The other formatter of hiredis prints each length with sprintf, which costs more than all the rest.
        let count = unsafe redisFormatSdsCommandArgv(
            &target, CInt(lengths.count), arguments.baseAddress, lengths.map { size_t($0) })
        // Fails only where malloc fails, which would end the process anyway.
        guard count >= 0, let target = unsafe target else { preconditionFailure("out of memory") }
        defer { unsafe redisFreeSdsCommand(target) }
        return unsafe Array(UnsafeRawBufferPointer(start: target, count: Int(count)))
    }
}
