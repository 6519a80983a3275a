import CHiredis

/// Parses replies from the bytes of a connection, however they were split.
///
/// hiredis's reader would allocate as many elements as an array's first line claims. The server answers none of the
/// loop's commands with an array, so an array is an error there.
@safe final class RESPReader {
    private let reader: UnsafeMutablePointer<redisReader>
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>

    /// - Parameter takesArrays: whether an array is a reply, or an error.
    init(takesArrays: Bool = false) {
        guard let created = unsafe redisReaderCreate() else { preconditionFailure("out of memory") }
        unsafe reader = created
        unsafe functions = .allocate(capacity: 1)
        unsafe functions.initialize(to: created.pointee.fn.pointee)
        if !takesArrays { unsafe functions.pointee.createArray = { _, _ in nil } }
        unsafe created.pointee.fn = functions
    }

    deinit {
        unsafe redisReaderFree(reader)
        unsafe functions.deallocate()
    }

    /// Bytes of a reply that is not complete yet.
    var unfinishedBytes: Int { unsafe Int(reader.pointee.len) - Int(reader.pointee.pos) }

    func feed(_ bytes: UnsafeRawBufferPointer) throws(ValueStoreError) {
        let code = unsafe redisReaderFeed(reader, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
        guard code == REDIS_OK else { throw failure }
    }

    /// Nil where no reply is complete.
    func next() throws(ValueStoreError) -> RESPReply? {
        var reply: UnsafeMutableRawPointer?
        guard unsafe redisReaderGetReply(reader, &reply) == REDIS_OK else { throw failure }
        guard let reply = unsafe reply else { return nil }
        defer { unsafe freeReplyObject(reply) }
        return unsafe try RESPReply(reply.assumingMemoryBound(to: redisReply.self))
    }

    /// Not hiredis's own text: it may quote a byte of what was sent.
    private var failure: ValueStoreError {
        let isMemory = unsafe reader.pointee.err == REDIS_ERR_OOM
        return ValueStoreError(
            code: "protocol",
            reason: isMemory
                ? "an array came, or memory is short"
                : "what came is no reply; does a RESP server listen there, and without TLS?")
    }
}
