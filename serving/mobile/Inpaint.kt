// Not compiled here: a sketch of the calls. Android, com.google.ai.edge.litert:litert.
import com.google.ai.edge.litert.Interpreter
import java.io.File
import java.nio.ByteBuffer

/** Fills the hole of an N x N photo. Use one from one thread at a time. */
class Inpaint(model: File, private val size: Int) : AutoCloseable {
    private val interpreter = Interpreter(model, Interpreter.Options().setNumThreads(4))

    /** RGB bytes, N x N x 3, and mask bytes, N x N, 255 = hole; RGB bytes come back. */
    fun fill(rgb: ByteArray, mask: ByteArray): ByteArray {
        val inpainted = ByteBuffer.allocateDirect(size * size * 3)
        val edges = ByteBuffer.allocateDirect(size * size)
        interpreter.runSignature(
            mapOf("image" to direct(rgb), "mask" to direct(mask)),
            mapOf("inpainted" to inpainted, "edges" to edges),
            "serving_default",
        )
        inpainted.rewind()
        return ByteArray(inpainted.remaining()).also { inpainted.get(it) }
    }

    override fun close() = interpreter.close()

    private fun direct(bytes: ByteArray): ByteBuffer =
        ByteBuffer.allocateDirect(bytes.size).apply { put(bytes); rewind() }
}
